"""The order in which pictures' words are read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.catalogue import INDEXED
from csearchd.library.texts.lines import TextLine
from csearchd.library.texts.statements import AMONG, parts_of
from csearchd.library.texts.states import TextStates
from csearchd.library.words.sources import Source, parted
from csearchd.reasons import Reason

if TYPE_CHECKING:
    import sqlite3

    from csearchd.library.library import Library

_PLANNED = 2000  # contents whose order is found at a time
_PLAN_SECONDS = 30.0  # after which new pictures are looked for
_TELLING = (
    "screenshot", "screenshots", "bildschirmfoto", "captura", "capture", "scan", "scans", "scanned",
    "receipt", "receipts", "invoice", "rechnung", "quittung", "beleg", "facture", "factura",
    "document", "dokument", "letter", "brief", "contract", "vertrag", "ticket", "whiteboard",
)  # fmt: skip
"""Words in names of files that are likely to have words in them."""
_MOST_TELLING = 20_000  # files with such a name

NO_CONTENT = 0
"""The content of a picture that isn't in the library."""

Ids = NDArray[np.int32]
Likely = Callable[[Ids], NDArray[np.bool_]]
"""Tells which contents are likely to have words in them."""


class PendingText(NamedTuple):
    """A content whose words are to be read, and a file that has it."""

    content: int
    file: int
    path: bytes
    stat: tuple[int, int, int, int]  # size, mtime_ns, ctime_ns, inode, as of contents.Job
    identity: bytes  # of the content: another one may get its id


class Guest:
    """A file outside the library whose words somebody waits for. What is read isn't stored."""

    def __init__(self, path: bytes, stat: tuple[int, int, int, int]) -> None:
        self.picture = PendingText(NO_CONTENT, 0, path, stat, b"")
        self.lines: list[TextLine] | None = None
        self.reason: Reason | None = None  # why it can't be read

    @property
    def is_done(self) -> bool:
        """Whether it was read, or can't be read."""
        return self.lines is not None or self.reason is not None


class TextQueue:
    """Pictures that somebody waits for come first, then those that are likely to have words by
    their looks (`likely`) or by their names, then all others; the newest of each first.

    Used by several threads; `next` by one.
    """

    def __init__(self, library: Library, states: Callable[[], TextStates]) -> None:
        self._library = library
        self._states = states
        self.likely: Likely | None = None
        self._asked: list[Sequence[int]] = []  # contents that somebody waits for, the latest last
        self._guests: list[Guest] = []
        self._listeners: list[Callable[[], object]] = []
        self._plan: tuple[str, float, list[int]] = ("", 0.0, [])

    def next(self, recogniser: str, count: int) -> list[PendingText]:
        """Up to `count` contents that this version of the recogniser hasn't read, likely ones
        first, the newest of these first. A content is given until it is read or has failed.

        Raises LibraryError.
        """
        for group in reversed(self._asked.copy()):
            if asked := self._with_files(self.pending_among(group, recogniser), count):
                return asked
        version, until, planned = self._plan
        if version != recogniser or time.monotonic() > until or not planned:
            planned = self._ordered(recogniser)
            self._plan = recogniser, time.monotonic() + _PLAN_SECONDS, planned
        left = self.pending_among(planned, recogniser)
        self._plan = (recogniser, self._plan[1], left)
        return self._with_files(left, count)

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for words, so that they are read though the machine is on
        battery, or busy."""
        return bool(self._asked or self._guests)

    def ask(self, contents: Sequence[int]) -> None:
        """Puts contents, for whose words somebody waits, before all others."""
        self._asked.append(contents)
        self._tell()

    def invite(self, guest: Guest) -> None:
        """Puts a file outside the library, for whose words somebody waits, before all others."""
        self._guests.append(guest)
        self._tell()

    def dismiss(self, guest: Guest) -> None:
        """Undoes `invite`."""
        self._guests.remove(guest)

    @property
    def guest(self) -> Guest | None:
        """The next guest that isn't read."""
        return next((guest for guest in self._guests.copy() if not guest.is_done), None)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def on_ask(self, listener: Callable[[], object]) -> None:
        """Calls `listener`, which must be quick, whenever somebody begins to wait."""
        self._listeners.append(listener)

    def stop_asking(self, contents: Sequence[int]) -> None:
        """Undoes one `ask` with the same contents."""
        self._asked.remove(contents)

    def pending_among(self, contents: Sequence[int], recogniser: str) -> list[int]:
        """Those of the contents that this version has still to read. Raises LibraryError."""
        if not contents:
            return []
        states = self._states()
        chosen = np.array(contents, np.int32)
        with self._library.memory_lock:
            left: list[int] = chosen[states.pending(chosen, recogniser)].tolist()
        return left

    def _with_files(self, contents: Sequence[int], count: int) -> list[PendingText]:
        found = {one.content: one for one in self._files_of(contents[: 2 * count])}
        return [found[content] for content in contents if content in found][:count]

    def _ordered(self, recogniser: str) -> list[int]:
        states = self._states()
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            held = np.flatnonzero(catalogue.contents_of(catalogue.state == INDEXED))
            contents = held.astype(np.int32)
            contents = contents[states.pending(contents, recogniser)]
        if not len(contents):
            return []
        with self._library.read() as database:
            (row,) = database.execute(
                "SELECT group_concat(content || ',' || (mtime_ns / 1000000000)) FROM files "
                "WHERE content IS NOT NULL AND NOT due"
            ).fetchone()
            named = self._telling_names(database)
        numbers = np.fromstring(row or "", np.int64, sep=",").reshape(-1, 2)
        size = max(int(numbers[:, 0].max(initial=0)), int(contents.max())) + 1
        changed = np.zeros(size, np.int64)
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
        for part in parts_of(contents):
            with self._library.read() as database:
                rows = database.execute(
                    "SELECT content, f.id, directory, name, identity, size, mtime_ns, ctime_ns, "
                    "inode FROM files f JOIN contents c ON c.id = content "
                    f"WHERE NOT due AND f.failure IS NULL AND content IN {AMONG}",
                    (part,),
                ).fetchall()
            with self._library.memory_lock:
                above = self._library.tree.paths({row[2] for row in rows})
            for content, file, directory, name, identity, *stat in rows:
                if directory in above:  # its disk is mounted
                    size, mtime, ctime, inode = stat
                    path = above[directory] + name
                    stat_then = (size, mtime, ctime, inode)
                    yield PendingText(content, file, path, stat_then, identity)
