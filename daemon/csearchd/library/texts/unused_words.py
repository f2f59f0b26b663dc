"""Removes words that no picture has any more, in short transactions.

SQLite keeps deleted words in its indexes until it merges these, and the vocabulary has words of all
pictures: both are private.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from csearchd.library.texts import vocabulary

if TYPE_CHECKING:
    from csearchd.library.library import Library

_SETTING = "text_words_left"  # set while there may be such words, also after the service was killed
_PAGES = 500  # of 4 KB, of an index, that a step merges
_WORDS = 500  # that a step looks for
_MOST = 200_000  # words that are noted; beyond, the whole vocabulary is gone through
_REST_SECONDS = 0.01  # between two steps, for others to write


class UnusedWords:
    """Notes which words pictures lose, and removes those that none has. Used by several threads;
    the library's `write()` guards it. What it notes changes after the commit alone."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._noted = False  # there is something to do, as far as is known
        self._words: set[str] = set()
        self._all = False  # any word may be unused
        self._cursor = 0  # the last one of the vocabulary that was looked for
        self._begun: set[str] = set()  # indexes of which some is merged
        self._merged: set[str] = set()  # those of which all is

    def note(self, words: Iterable[str]) -> None:
        """Must be called inside the `write()` in which pictures lose words."""
        words = set(words)
        if not words:
            return
        if not self._noted:
            self._library.set(_SETTING, "yes")
        self._library.after_commit(lambda: self._add(words))

    def _add(self, words: set[str]) -> None:
        self._noted = True
        self._words |= words
        if len(self._words) > _MOST:
            self._words, self._all, self._cursor = set(), True, 0
        self._begun.clear()
        self._merged.clear()

    def forget(self) -> None:
        """Calls `step` until nothing is left. Raises LibraryError."""
        while self.step():
            time.sleep(_REST_SECONDS)

    def step(self) -> bool:
        """Does a part of the work. Returns whether there is more. Raises LibraryError."""
        if not self._noted and self._library.setting(_SETTING) is None:
            return False
        with self._library.write() as database:
            if not self._noted:
                self._noted = self._all = True  # the service ended before all was done
            if "text_words" not in self._merged:  # first, else looking for a word takes long
                self._merge(database, "text_words")
            elif self._words or self._all:
                self._look(database)
            elif "text_parts" not in self._merged:
                self._merge(database, "text_parts")
            else:
                self._library.set(_SETTING, None)
                self._library.after_commit(self._finish)
        return self._noted

    def _finish(self) -> None:
        self._noted = False

    def _look(self, database: sqlite3.Connection) -> None:
        if not self._all:
            words = list(islice(self._words, _WORDS))
            vocabulary.forget_unused(database, words)
            self._library.after_commit(lambda: self._words.difference_update(words))
            return
        rows = database.execute(
            "SELECT id, word FROM text_vocabulary WHERE id > ? ORDER BY id LIMIT ?",
            (self._cursor, _WORDS),
        ).fetchall()
        vocabulary.forget_unused(database, [word for _, word in rows])
        self._library.after_commit(lambda: self._go_on(rows[-1][0] if rows else 0))

    def _go_on(self, cursor: int) -> None:
        """`cursor`: 0 at the end of the vocabulary."""
        self._cursor, self._all = cursor, bool(cursor)

    def _merge(self, database: sqlite3.Connection, table: str) -> None:
        """Merges some pages of an index. See "The 'merge' Command" in SQLite's documentation of
        FTS5: a negative number begins with all of it."""
        before = database.total_changes
        pages = _PAGES if table in self._begun else -_PAGES
        database.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)", (pages,))
        self._library.after_commit(lambda: self._begun.add(table))
        if database.total_changes - before < 2:
            self._library.after_commit(lambda: self._merged.add(table))
