"""Stores words of pictures: by content, so that copies, renames and metadata cost nothing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.catalogue import INDEXED
from csearchd.library.texts import index
from csearchd.library.texts.lines import TextLine
from csearchd.library.texts.packing import packed, unpacked
from csearchd.library.texts.pattern import TextPattern
from csearchd.library.texts.states import FAILED, READ, WITHHELD, TextStates
from csearchd.library.texts.tokens import has_parts, skeleton, words_of_lines
from csearchd.library.words.sources import Source, parted

if TYPE_CHECKING:
    from csearchd.library.library import Library

_PLANNED = 2000  # contents whose order is found at a time
_PLAN_SECONDS = 30.0  # after which new pictures are looked for
_PARAMETERS = 500  # of a statement
_TELLING = (
    "screenshot", "screenshots", "bildschirmfoto", "captura", "capture", "scan", "scans", "scanned",
    "receipt", "receipts", "invoice", "rechnung", "quittung", "beleg", "facture", "factura",
    "document", "dokument", "letter", "brief", "contract", "vertrag", "ticket", "whiteboard",
)  # fmt: skip
"""Words in names of files that are likely to have words in them."""
_MOST_TELLING = 20_000  # files with such a name

Ids = NDArray[np.int32]
Likely = Callable[[Ids], NDArray[np.bool_]]
"""Tells which contents are likely to have words in them."""


class PendingText(NamedTuple):
    """A content whose words are to be read, and a file that has it."""

    content: int
    file: int
    path: bytes
    stat: tuple[int, int, int, int]  # size, mtime_ns, ctime_ns, inode, as of contents.Job


class TextCounts(NamedTuple):
    """Numbers of files."""

    read: int  # whose words are known, of whatever version
    pending: int
    failed: int


class Texts:
    """The words of a library's pictures. Used by several threads.

    `recogniser` is the version that reads now; None where none does. `likely` tells what to read
    first.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self.recogniser: str | None = None
        self.likely: Likely | None = None
        self._states: TextStates | None = None  # from its first use on
        self._changes = 0
        self._plan: tuple[str, float, list[int]] = ("", 0.0, [])

    # What is to be read

    def next_pending(self, recogniser: str, count: int) -> list[PendingText]:
        """Up to `count` contents that this version of the recogniser hasn't read, likely ones
        first, the newest of these first. A content is given until it is read or has failed.

        Raises LibraryError.
        """
        version, until, planned = self._plan
        if version != recogniser or time.monotonic() > until or not planned:
            planned = self._ordered(recogniser)
            self._plan = recogniser, time.monotonic() + _PLAN_SECONDS, planned
        states = self._loaded()
        with self._library.memory_lock:
            chosen = np.array(planned, np.int32)
            left = chosen[states.pending(chosen, recogniser)].tolist()
        self._plan = (recogniser, self._plan[1], left)
        if not left:
            return []
        found = {one.content: one for one in self._files_of(left[: 2 * count])}
        return [found[content] for content in left if content in found][:count]

    def _ordered(self, recogniser: str) -> list[int]:
        states = self._loaded()
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            held = np.flatnonzero(catalogue.contents_of(catalogue.state == INDEXED))
            contents = held.astype(np.int32)
            contents = contents[states.pending(contents, recogniser)]
        if not len(contents):
            return []
        with self._library.read() as database:
            (row,) = database.execute(
                "SELECT group_concat(content || ',' || mtime_ns / 1000000000) FROM files "
                "WHERE content IS NOT NULL AND NOT due"
            ).fetchone()
            named = self._telling_names(database)
        numbers = np.fromstring(row or "", np.int64, sep=",").reshape(-1, 2)
        changed = np.zeros(int(max(numbers[:, 0].max(initial=0), contents.max())) + 1, np.int64)
        np.maximum.at(changed, numbers[:, 0], numbers[:, 1])
        first = np.isin(contents, named)
        if self.likely is not None:
            first |= self.likely(contents)
        order = np.lexsort((-changed[contents], ~first))[:_PLANNED]
        planned: list[int] = contents[order].tolist()
        return planned

    def _telling_names(self, database: sqlite3.Connection) -> Ids:
        """Contents whose files' names say that there are words in them."""
        groups = [(word,) for word in _TELLING]
        entries = self._library.words.entries(database, groups, _MOST_TELLING) or []
        files = [owner for owner, kind in map(parted, entries) if kind == Source.NAME]
        with self._library.memory_lock:
            content = self._library.catalogue.content
            return content[[file for file in files if file < len(content)]]

    def _files_of(self, contents: Sequence[int]) -> Iterator[PendingText]:
        for part in _parts(contents):
            with self._library.read() as database:
                rows = database.execute(
                    "SELECT content, id, directory, name, size, mtime_ns, ctime_ns, inode "
                    f"FROM files WHERE NOT due AND failure IS NULL AND content IN ({_marks(part)})",
                    part,
                ).fetchall()
            with self._library.memory_lock:
                above = self._library.tree.paths({row[2] for row in rows})
            for content, file, directory, name, *stat in rows:
                if directory in above:  # its disk is mounted
                    size, mtime, ctime, inode = stat
                    path = above[directory] + name
                    yield PendingText(content, file, path, (size, mtime, ctime, inode))

    # What was read

    def put(self, content: int, recogniser: str, lines: Sequence[TextLine]) -> None:
        """Stores what a version of the recogniser has read in a content; no lines: no words.

        It is dropped where the content isn't known any more, or its words were to be forgotten.
        Raises LibraryError.
        """
        words = words_of_lines(line.text for line in lines)
        with self._library.write() as database:
            if not self._takes(database, content):
                return
            row = self._version_row(database, recogniser)
            database.execute(
                "INSERT INTO texts (content, recogniser, state, words, lines) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT (content) DO UPDATE SET "
                "recogniser = excluded.recogniser, state = excluded.state, failure = NULL, "
                "words = excluded.words, lines = excluded.lines",
                (content, row, READ, " ".join(words), packed(lines) if lines else None),
            )
            _add_to_vocabulary(database, words)
            self._note(content, recogniser, row, READ)

    def fail(self, content: int, recogniser: str, reason: str) -> None:
        """Records why a version of the recogniser can't read a content. What an older one has
        read is kept. Raises LibraryError."""
        with self._library.write() as database:
            if not self._takes(database, content):
                return
            row = self._version_row(database, recogniser)
            database.execute(
                "INSERT INTO texts (content, recogniser, state, failure) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (content) DO UPDATE SET recogniser = excluded.recogniser, "
                "state = excluded.state, failure = excluded.failure",
                (content, row, FAILED, reason),
            )
            self._note(content, recogniser, row, FAILED)

    def _takes(self, database: sqlite3.Connection, content: int) -> bool:
        row = database.execute(
            "SELECT (SELECT state FROM texts WHERE content = id) FROM contents WHERE id = ?",
            (content,),
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
        for part in _parts(contents):
            with self._library.read() as database:
                rows = database.execute(
                    f"SELECT content, lines FROM texts WHERE content IN ({_marks(part)}) "
                    f"AND (state = {READ} OR lines IS NOT NULL)",
                    part,
                ).fetchall()
            found.update((content, unpacked(lines)) for content, lines in rows)
        return found

    def contents_with(self, pattern: TextPattern) -> index.Contents:
        """The contents whose words have a pattern. Raises LibraryError."""
        with self._library.read() as database:
            return index.contents_with(database, pattern)

    def counts(self) -> TextCounts:
        """How many files' words are known, are still to be read, and can't be read. Nothing is
        to be read where no recogniser is at work. Raises LibraryError."""
        states = self._loaded()
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            held = catalogue.content[catalogue.state == INDEXED]
            known = int(np.count_nonzero(states.read(held)))
            if (version := self.recogniser) is None:
                return TextCounts(known, 0, 0)
            pending = int(np.count_nonzero(states.pending(held, version)))
            return TextCounts(known, pending, int(np.count_nonzero(states.failed(held, version))))

    def pending_in(self, scope: NDArray[np.bool_] | None) -> int:
        """How many files in a scope (a mask over directories) have words still to be read. Raises
        LibraryError."""
        if (version := self.recogniser) is None:
            return 0
        states = self._loaded()
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            files = catalogue.files_in(scope) & (catalogue.state == INDEXED)
            return int(np.count_nonzero(states.pending(catalogue.content[files], version)))

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

    def _loaded(self) -> TextStates:
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
        for part in _parts(list(contents)):
            with self._library.write() as database:
                rows = database.execute(
                    f"SELECT id FROM contents WHERE id IN ({_marks(part)})", part
                ).fetchall()
                (known,) = database.execute(
                    "SELECT count(*) FROM texts WHERE lines IS NOT NULL "
                    f"AND content IN ({_marks(part)})",
                    part,
                ).fetchone()
                had += known
                database.executemany(
                    f"INSERT INTO texts (content, state) VALUES (?, {WITHHELD}) "
                    "ON CONFLICT (content) DO UPDATE SET state = excluded.state, words = '', "
                    "recogniser = NULL, failure = NULL, lines = NULL",
                    rows,
                )
                for (content,) in rows:
                    self._note(content, None, 0, WITHHELD)
        self.forget_unused_words()
        return had

    def release(self, contents: Collection[int]) -> int:
        """Lets the words of contents be read that were withheld, or couldn't be read. What an
        older version has read serves until then. Returns how many these are. Raises LibraryError.
        """
        count = 0
        for part in _parts(list(contents)):
            among = f"state IN ({FAILED}, {WITHHELD}) AND content IN ({_marks(part)})"
            with self._library.write() as database:
                gone = database.execute(
                    f"SELECT content, lines IS NULL FROM texts WHERE {among}", part
                ).fetchall()
                database.execute(f"DELETE FROM texts WHERE lines IS NULL AND {among}", part)
                database.execute(
                    f"UPDATE texts SET recogniser = NULL, failure = NULL, state = {READ} "
                    f"WHERE {among}",
                    part,
                )
                self.deleted(content for content, empty in gone if empty)
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

    def deleted(self, contents: Iterable[int]) -> None:
        """Must be called inside a `write()` that deletes contents, whose ids may be used again."""
        gone = list(contents)

        def apply() -> None:
            self._changes += 1
            if self._states is not None:
                self._states.clear(gone)

        self._library.after_commit(apply)

    def forget_unused_words(self) -> None:
        """Deletes words that no picture has any more, also from what SQLite keeps of them. Raises
        LibraryError."""
        with self._library.write() as database:
            database.execute(
                "CREATE VIRTUAL TABLE temp.text_terms USING fts5vocab('main', 'text_words', 'row')"
            )
            try:
                database.execute(
                    "DELETE FROM text_vocabulary WHERE word NOT IN "
                    "(SELECT term FROM temp.text_terms)"
                )
            finally:
                database.execute("DROP TABLE temp.text_terms")
            for table in ("text_words", "text_parts"):
                database.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")


def _add_to_vocabulary(database: sqlite3.Connection, words: Iterable[str]) -> None:
    database.executemany(
        "INSERT INTO text_vocabulary (word, skeleton) SELECT ?1, ?2 "
        "WHERE NOT EXISTS (SELECT 1 FROM text_vocabulary WHERE word = ?1)",
        [(word, skeleton(word)) for word in sorted(set(words)) if has_parts(word)],
    )


def _parts(contents: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(contents), _PARAMETERS):
        yield list(contents[start : start + _PARAMETERS])


def _marks(part: Sequence[int]) -> str:
    return ",".join("?" * len(part))
