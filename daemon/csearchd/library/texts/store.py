"""Stores words of pictures: by content, so that copies, renames and metadata cost nothing."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from csearchd.library.catalogue import INDEXED
from csearchd.library.texts import index, vocabulary
from csearchd.library.texts.lines import TextLine
from csearchd.library.texts.packing import packed, unpacked
from csearchd.library.texts.pattern import TextPattern
from csearchd.library.texts.queue import PendingText, TextQueue
from csearchd.library.texts.schema import REPAIR
from csearchd.library.texts.statements import AMONG, parts_of
from csearchd.library.texts.states import FAILED, READ, WITHHELD, TextStates
from csearchd.library.texts.tokens import words_of_lines
from csearchd.library.texts.unused_words import UnusedWords
from csearchd.reasons import Reason
from csearchd.reasons import library as reasons

if TYPE_CHECKING:
    from csearchd.library.library import Library

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class TextState(NamedTuple):
    """What is known of a content's words."""

    lines: list[TextLine] | None  # None where they aren't known
    failure: str | None = None  # why they can't be read
    withheld: bool = False  # the user had them forgotten


class TextCounts(NamedTuple):
    """Numbers of files."""

    read: int  # whose words are known, of whatever version
    pending: int
    failed: int


class Texts:
    """The words of a library's pictures. Used by several threads.

    `version` is that of the recogniser that is installed, None without one; whether it may read
    is `enabled`. `queue` says what is to be read next.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self.version: str | None = None
        self.enabled = True
        self.last_error: Reason | None = None  # why the recogniser reads nothing at present
        self.damaged = False  # the index must be made anew
        self.queue = TextQueue(library, self.states)
        self._states: TextStates | None = None  # from its first use on
        self._changes = 0
        self.unused_words = UnusedWords(library)

    @property
    def recogniser(self) -> str | None:
        """The version of the recogniser that reads; None where none does."""
        return self.version if self.enabled else None

    @property
    def remark(self) -> Reason | None:
        """Why no words are read, for the user."""
        if not self.enabled:
            return reasons.TEXT_OFF()
        return reasons.TEXT_MISSING() if self.version is None else None

    def next_pending(self, recogniser: str, count: int) -> list[PendingText]:
        """Up to `count` contents that this version of the recogniser hasn't read (TextQueue).
        Raises LibraryError."""
        return self.queue.next(recogniser, count)

    # What was read

    def put(
        self,
        content: int,
        recogniser: str,
        lines: Sequence[TextLine],
        identity: bytes | None = None,
    ) -> None:
        """Stores what a version of the recogniser has read in a content; no lines: no words.

        It is dropped where the content isn't known any more, or has another `identity` (another
        one got its id), or its words were to be forgotten. Raises LibraryError.
        """
        words = words_of_lines(line.text for line in lines)
        with self._library.write() as database:
            if not self._takes(database, content, identity):
                return
            row = self._version_row(database, recogniser)
            before = vocabulary.words_of(database, json.dumps([content]))
            database.execute(
                "INSERT INTO texts (content, recogniser, state, words, lines) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT (content) DO UPDATE SET "
                "recogniser = excluded.recogniser, state = excluded.state, failure = NULL, "
                "words = excluded.words, lines = excluded.lines",
                (content, row, READ, " ".join(words), packed(lines) if lines else None),
            )
            vocabulary.add(database, words)
            self.unused_words.note(before.difference(words))
            self._note(content, recogniser, row, READ)

    def fail(
        self, content: int, recogniser: str, reason: str, identity: bytes | None = None
    ) -> None:
        """Records why a version of the recogniser can't read a content, unless `put` would drop
        it. What an older one has read is kept. Raises LibraryError."""
        with self._library.write() as database:
            if not self._takes(database, content, identity):
                return
            row = self._version_row(database, recogniser)
            database.execute(
                "INSERT INTO texts (content, recogniser, state, failure) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (content) DO UPDATE SET recogniser = excluded.recogniser, "
                "state = excluded.state, failure = excluded.failure",
                (content, row, FAILED, reason),
            )
            self._note(content, recogniser, row, FAILED)

    def _takes(self, database: sqlite3.Connection, content: int, identity: bytes | None) -> bool:
        row = database.execute(
            "SELECT (SELECT state FROM texts WHERE content = id) FROM contents "
            "WHERE id = ?1 AND (?2 IS NULL OR identity = ?2)",
            (content, identity),
        ).fetchone()
        return row is not None and row[0] != WITHHELD

    def _version_row(self, database: sqlite3.Connection, recogniser: str) -> int:
        database.execute(
            "INSERT INTO recognisers (version) SELECT ? WHERE NOT EXISTS "
            "(SELECT 1 FROM recognisers WHERE version = ?)",
            (recogniser, recogniser),
        )
        (row,) = database.execute(
            "SELECT id FROM recognisers WHERE version = ?", (recogniser,)
        ).fetchone()
        return int(row)

    def _note(self, content: int, version: str | None, row: int, state: int) -> None:
        def apply() -> None:
            self._changes += 1
            if self._states is not None:
                self._states.set(content, version, row, state)

        self._library.after_commit(apply)

    # What is known

    def lines(self, contents: Sequence[int]) -> dict[int, list[TextLine]]:
        """The lines of those contents whose words are known; empty for those without words.
        Raises LibraryError."""
        found: dict[int, list[TextLine]] = {}
        for part in parts_of(contents):
            with self._library.read() as database:
                rows = database.execute(
                    f"SELECT content, lines FROM texts WHERE content IN {AMONG} "
                    f"AND (state = {READ} OR lines IS NOT NULL)",
                    (part,),
                ).fetchall()
            found.update((content, unpacked(lines)) for content, lines in rows)
        return found

    def have_words(self, contents: Sequence[int]) -> bool:
        """Whether words were read in one of some contents. Raises LibraryError."""
        with self._library.read() as database:
            return any(
                database.execute(
                    f"SELECT 1 FROM texts WHERE content IN {AMONG} AND words <> '' LIMIT 1", (part,)
                ).fetchone()
                for part in parts_of(contents)
            )

    def words_of(self, contents: Sequence[int]) -> dict[int, list[str]]:
        """The words of those contents that have any, in their order. Raises LibraryError."""
        with self._library.read() as database:
            return {
                content: words.split()
                for part in parts_of(contents)
                for content, words in database.execute(
                    f"SELECT content, words FROM texts WHERE content IN {AMONG} AND words <> ''",
                    (part,),
                )
            }

    def contents_with(self, pattern: TextPattern) -> index.Contents:
        """The contents whose words have a pattern. Raises LibraryError."""
        return self._look_up(lambda database: index.contents_with(database, pattern), index.NONE)

    def contents_with_words(
        self, words: Sequence[tuple[Sequence[Sequence[str]], str]], limit: int
    ) -> list[index.Contents | None]:
        """For each of some words the contents that have it; None where there are more than
        `limit`: it says too little.

        A word is given as alternatives, each of words that a content must have all, and, folded,
        as one of which a recogniser may have made another, if none has an alternative; "" for none.
        Raises LibraryError.
        """

        def look(database: sqlite3.Connection) -> list[index.Contents | None]:
            found: list[index.Contents | None] = []
            for alternatives, word in words:
                having = index.contents_with_words(database, alternatives, limit)
                if word and having is not None and not len(having):
                    similar = [(one,) for one in index.similar_words(database, word)]
                    having = index.contents_with_words(database, similar, limit)
                found.append(having)
            return found

        return self._look_up(look, [index.NONE for _ in words])

    def quoting(
        self,
        pattern: TextPattern,
        words: Sequence[Sequence[Sequence[str]]],
        among: index.Contents | None,
        limit: int,
    ) -> index.Contents:
        """The contents whose words have a pattern, as far as it is told by `words` of it, each as
        alternatives (`contents_with_words`). `among`: those that have all of these, where they are
        known. None where there are more than `limit` of these. Raises LibraryError."""
        return self._look_up(
            lambda database: index.contents_quoting(database, pattern, words, among, limit),
            index.NONE,
        )

    def _look_up(self, look: Callable[[sqlite3.Connection], _T], nothing: _T) -> _T:
        """What `look` finds in the index; `nothing` where that is damaged."""
        with self._library.read() as database:
            try:
                return look(database)
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:
                    raise
                if not self.damaged:  # once, not for each search until it is made anew
                    log.warning("the index of words in pictures is damaged (%s)", error)
                self.damaged = True
                return nothing

    def repair(self) -> None:
        """Makes the index anew if it is `damaged`, of what it was made of. Raises LibraryError."""
        if self.damaged:
            with self._library.write() as database:
                for statement in REPAIR:
                    database.execute(statement)
            self.damaged = False

    def counts(self) -> TextCounts:
        """How many files' words are known, are still to be read, and can't be read. Nothing is
        to be read where no recogniser is at work. Raises LibraryError."""
        states = self.states()
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            held = catalogue.content[catalogue.state == INDEXED]
            known = int(np.count_nonzero(states.read(held)))
            if (version := self.recogniser) is None:
                return TextCounts(known, 0, 0)
            pending = int(np.count_nonzero(states.pending(held, version)))
            return TextCounts(known, pending, int(np.count_nonzero(states.failed(held, version))))

    def pending_in(self, scope: NDArray[np.bool_] | None) -> list[int]:
        """The contents of files in a scope, a mask over directories (None: everywhere), whose
        words are still to be read. Raises LibraryError."""
        if (version := self.recogniser) is None:
            return []
        states = self.states()
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            files = catalogue.files_in(scope) & (catalogue.state == INDEXED)
            held = np.unique(catalogue.content[files])
            found: list[int] = held[states.pending(held, version)].tolist()
        return found

    def still_pending(self, contents: Sequence[int]) -> int:
        """How many of the contents are still to be read. Raises LibraryError."""
        version = self.recogniser
        return len(self.queue.pending_among(contents, version)) if version is not None else 0

    def state(self, content: int) -> TextState:
        """What is known of a content's words. Raises LibraryError."""
        with self._library.read() as database:
            row = database.execute(
                "SELECT state, lines, failure FROM texts WHERE content = ?", (content,)
            ).fetchone()
        if row is None:
            return TextState(None)
        state, lines, failure = row
        if state == READ or lines is not None:
            return TextState(unpacked(lines))
        return TextState(None, failure, state == WITHHELD)

    def failures(self) -> list[tuple[bytes, str]]:
        """The files whose words can't be read, and why. Raises LibraryError."""
        with self._library.read() as database:
            rows = database.execute(
                "SELECT f.directory, f.name, t.failure FROM texts t JOIN files f "
                f"ON f.content = t.content WHERE t.state = {FAILED} AND NOT f.due"
            ).fetchall()
        with self._library.memory_lock:
            above = self._library.tree.paths({row[0] for row in rows})
        return [
            (above[directory] + name, str(failure))
            for directory, name, failure in rows
            if directory in above
        ]

    def states(self) -> TextStates:
        """The states of all contents, to be read while holding `memory_lock`. Raises
        LibraryError."""
        while self._states is None:
            before = self._changes
            with self._library.read() as database:
                states = TextStates(database)
            with self._library.memory_lock:
                if self._changes == before:  # else something was committed meanwhile
                    self._states = states
        return self._states

    # What is forgotten

    def withhold(self, contents: Collection[int]) -> int:
        """Deletes the words of contents, and lets none of them be read until `release`. Returns
        how many had words. Raises LibraryError."""
        had = 0
        for part in parts_of(list(contents)):
            with self._library.write() as database:
                rows = database.execute(
                    f"SELECT id FROM contents WHERE id IN {AMONG}", (part,)
                ).fetchall()
                (known,) = database.execute(
                    f"SELECT count(*) FROM texts WHERE lines IS NOT NULL AND content IN {AMONG}",
                    (part,),
                ).fetchone()
                had += known
                words = vocabulary.words_of(database, part)
                database.executemany(
                    f"INSERT INTO texts (content, state) VALUES (?, {WITHHELD}) "
                    "ON CONFLICT (content) DO UPDATE SET state = excluded.state, words = '', "
                    "recogniser = NULL, failure = NULL, lines = NULL",
                    rows,
                )
                self.unused_words.note(words)
                for (content,) in rows:
                    self._note(content, None, 0, WITHHELD)
        self.unused_words.forget()
        return had

    def release(self, contents: Collection[int]) -> int:
        """Lets the words of contents be read that were withheld, or couldn't be read. What an
        older version has read serves until then. Returns how many these are. Raises LibraryError.
        """
        count = 0
        for part in parts_of(list(contents)):
            among = f"state IN ({FAILED}, {WITHHELD}) AND content IN {AMONG}"
            with self._library.write() as database:
                gone = database.execute(
                    f"SELECT content, lines IS NULL FROM texts WHERE {among}", (part,)
                ).fetchall()
                database.execute(f"DELETE FROM texts WHERE lines IS NULL AND {among}", (part,))
                database.execute(
                    f"UPDATE texts SET recogniser = NULL, failure = NULL, state = {READ} "
                    f"WHERE {among}",
                    (part,),
                )
                self._note_deleted([content for content, empty in gone if empty])
                for content, empty in gone:
                    if not empty:
                        self._note(content, None, 0, READ)
                count += len(gone)
        return count

    def retry_failed(self) -> int:
        """Lets the words that can't be read be tried again. Returns how many contents there are.
        Raises LibraryError."""
        with self._library.read() as database:
            rows = database.execute(f"SELECT content FROM texts WHERE state = {FAILED}").fetchall()
        return self.release([row[0] for row in rows])

    def delete(self, database: sqlite3.Connection, contents: Iterable[int]) -> None:
        """Deletes what is known of contents that are deleted, whose ids may be used again; inside
        a `write()`."""
        gone = list(contents)
        for part in parts_of(gone):
            words = vocabulary.words_of(database, part)
            database.execute(f"DELETE FROM texts WHERE content IN {AMONG}", (part,))
            self.unused_words.note(words)
        self._note_deleted(gone)

    def _note_deleted(self, gone: Sequence[int]) -> None:
        def apply() -> None:
            self._changes += 1
            if self._states is not None:
                self._states.clear(gone)

        self._library.after_commit(apply)
