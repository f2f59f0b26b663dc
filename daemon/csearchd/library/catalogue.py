"""The files in memory, as columns: which directory, which content, how far they are.

Names stay in the database: they are needed only for what is shown. A copy of the columns in the
cache saves reading a million rows at a start (library.derived).
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csearchd.library import cache_token

NO_FILE, DUE, INDEXED, FAILED = range(4)  # the states of a file

_COLUMNS = (
    "SELECT f.id, f.directory, coalesce(f.content, 0), CASE WHEN f.due THEN 1 WHEN "
    "f.failure IS NOT NULL OR c.failure IS NOT NULL THEN 3 ELSE 2 END "
    "FROM files f LEFT JOIN contents c ON c.id = f.content"
)
_PRESENT = "f.directory NOT IN (SELECT id FROM directories WHERE absent IS NOT NULL)"
_NAME = "files"
_HEAD = struct.Struct("8s32sQ")  # format, token, files
_FORMAT = b"CSHFILE2"
_SPARE = 1024  # rows for files to come

Mask = NDArray[np.bool_]


class Catalogue:
    """Columns indexed by a file's id. A scope is a mask over directories (DirectoryTree.mask).

    `changes` is another number after every change.
    """

    def __init__(self, database: sqlite3.Connection, cache: cache_token.Cache) -> None:
        """What `database` has; a copy is kept in `cache`."""
        self._cache = cache
        self.copied = False  # the copy in the cache is of use to the next start
        self.changes = 0
        self._everywhere: tuple[int, Mask] = (-1, np.zeros(0, np.bool_))
        self.directory = np.zeros(_SPARE, np.int32)
        self.content = np.zeros(_SPARE, np.int32)
        self.state = np.zeros(_SPARE, np.uint8)
        self._counts = np.zeros((_SPARE, 4), np.int64)  # of files, by directory and state
        self.copied = self._load(cache_token.token(database, _NAME))
        if self.copied:
            noted = database.execute("SELECT file FROM changed_files").fetchall()
            self.remove(row[0] for row in noted if row[0] < len(self.state))
            self._read(
                database.execute(
                    f"{_COLUMNS} JOIN changed_files n ON n.file = f.id WHERE {_PRESENT}"
                )
            )
        else:
            (highest,) = database.execute("SELECT coalesce(max(id), 0) FROM files").fetchone()
            self._reserve(highest)
            self._read(database.execute(f"{_COLUMNS} WHERE {_PRESENT}"))

    def _load(self, token: str | None) -> bool:
        """Takes over the copy, if it is of that state of the database."""
        if token is None or (whole := self._cache.read(_NAME)) is None:
            return False
        kind, written, size = _HEAD.unpack_from(whole.ljust(_HEAD.size))
        data = memoryview(whole)[_HEAD.size :]
        if kind != _FORMAT or written != token.encode() or len(data) != size * 9:
            return False
        self._reserve(size - 1)
        self.directory[:size] = np.frombuffer(data, np.int32, size)
        self.content[:size] = np.frombuffer(data, np.int32, size, 4 * size)
        self.state[:size] = np.frombuffer(data, np.uint8, size, 8 * size)
        if size:
            self._reserve_directory(int(self.directory.max()))
            places = self.directory.astype(np.int64) * 4 + self.state
            self._counts += np.bincount(places, minlength=self._counts.size).reshape(-1, 4)
            self._counts[:, NO_FILE] = 0
        return True

    def flush(self, database: sqlite3.Connection) -> Callable[[], None]:
        """Writes the copy and clears the notes of changes; inside a transaction.

        Returns what must be done once that is committed.
        """
        token = cache_token.new_token()
        cache_token.set_token(database, _NAME, token)
        database.execute("DELETE FROM changed_files")
        used = np.flatnonzero(self.state)
        size = int(used[-1]) + 1 if len(used) else 0
        columns = (self.directory[:size], self.content[:size], self.state[:size])
        data = b"".join(column.tobytes() for column in columns)
        head = _HEAD.pack(_FORMAT, token.encode(), size)

        def write() -> None:
            self.copied = True  # or can't be: then trying again won't help
            self._cache.write(_NAME, head + data)

        return write

    def read(self, database: sqlite3.Connection, directories: Iterable[int]) -> None:
        """Reads the files of some directories anew: they have come back with their disk."""
        for directory in directories:
            self._read(database.execute(f"{_COLUMNS} WHERE f.directory = ?", (directory,)))

    def _read(self, rows: sqlite3.Cursor) -> None:
        while batch := rows.fetchmany(65536):
            files, directory, content, state = np.array(batch, np.int64).T
            self._set(files, directory, content, state)

    def put(self, file: int, directory: int, content: int | None, state: int) -> None:
        self._reserve(file)
        self._reserve_directory(directory)
        if before := int(self.state[file]):
            self._counts[self.directory[file], before] -= 1
        self.directory[file] = directory
        self.content[file] = content or 0
        self.state[file] = state
        if state:
            self._counts[directory, state] += 1
        self.changes += 1

    def remove(self, files: Iterable[int]) -> None:
        chosen = np.array(list(files), np.int64)
        if len(chosen):
            self._set(chosen, 0, 0, NO_FILE)

    def _set(self, files: NDArray[np.int64], directory: Any, content: Any, state: Any) -> None:
        self._reserve(int(files.max()))
        self._reserve_directory(int(np.max(directory)))
        known = files[self.state[files] != NO_FILE]
        np.subtract.at(self._counts, (self.directory[known], self.state[known]), 1)
        self.directory[files] = directory
        self.content[files] = content
        self.state[files] = state
        known = files[self.state[files] != NO_FILE]
        np.add.at(self._counts, (self.directory[known], self.state[known]), 1)
        self.changes += 1

    def files_in(self, scope: Mask | None) -> Mask:
        """One bool for each file's id: whether it exists and is in the scope (None: everywhere)."""
        present: Mask = self.state != NO_FILE
        if scope is not None:
            # A directory that is newer than the mask is not in it.
            present &= np.append(scope, False).take(self.directory, mode="clip")
        return present

    def count(self, state: int, scope: Mask | None = None) -> int:
        """How many files are in a state; costs nothing that grows with their number."""
        counts = self._counts[:, state]
        if scope is None:
            return int(counts.sum())
        size = min(len(scope), len(counts))
        return int(counts[:size][scope[:size]].sum())

    def due_contents(self, scope: Mask | None = None) -> NDArray[np.int32]:
        """What the files that are due showed when they were read last; 0 for each new one."""
        files = np.flatnonzero(self.state == DUE)
        if scope is not None:
            files = files[np.append(scope, False).take(self.directory[files], mode="clip")]
        return self.content[files]

    def due_directories(self, scope: Mask) -> list[int]:
        """The directories of a scope in which files are due."""
        size = min(len(scope), len(self._counts))
        found: list[int] = np.flatnonzero(scope[:size] & (self._counts[:size, DUE] > 0)).tolist()
        return found

    def directories_with_files(self) -> Mask:
        """One bool for each directory's id: whether files are in it. It may be too short."""
        mask: Mask = np.asarray(self._counts.any(axis=1))
        return mask

    def files_with(self, contents: NDArray[np.int32]) -> NDArray[np.intp]:
        """The ids of the files that have one of some contents, in order."""
        wanted = np.zeros(int(contents.max()) + 2, np.bool_)  # the last one for all that are larger
        wanted[contents] = True
        return np.flatnonzero(wanted.take(self.content, mode="clip"))

    def contents_of(self, files: Mask | None) -> Mask:
        """One bool for each content's id: whether one of `files` has it (None: any file)."""
        if files is None:
            changes, mask = self._everywhere
            if changes != self.changes:
                mask = self._held(self.state != NO_FILE)
                self._everywhere = (self.changes, mask)
            return mask
        return self._held(files)

    def _held(self, files: Mask) -> Mask:
        held = self.content[: len(files)][files]
        mask = np.zeros(int(held.max(initial=0)) + 1, np.bool_)
        mask[held] = True
        mask[0] = False
        return mask

    def _reserve(self, file: int) -> None:
        if file >= len(self.state):
            size = max(file + _SPARE, len(self.state) * 5 // 4)
            self.directory = _grown(self.directory, size)
            self.content = _grown(self.content, size)
            self.state = _grown(self.state, size)

    def _reserve_directory(self, directory: int) -> None:
        if directory >= len(self._counts):
            size = max(directory + _SPARE, len(self._counts) * 5 // 4)
            self._counts = _grown(self._counts, size)


def _grown(column: NDArray[Any], size: int) -> NDArray[Any]:
    larger = np.zeros((size, *column.shape[1:]), column.dtype)
    larger[: len(column)] = column
    return larger
