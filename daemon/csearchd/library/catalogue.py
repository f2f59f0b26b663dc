"""The files in memory, as columns: directory, content and state.

Names stay in the database, since only those of shown files are needed. A copy of the columns in the
cache saves the start from reading a million rows (csearchd.library.cache_token).
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csearchd.library import cache_token

# The states of a file: there is none with that id, or it is paired (see the schema); it must be
# read; it was read, and its content is known; it could not be read or decoded.
NO_FILE, DUE, INDEXED, FAILED = range(4)

_COLUMNS = (
    "SELECT f.id, f.directory, coalesce(f.content, 0), CASE WHEN f.due THEN 1 "
    "WHEN f.paired THEN 0 WHEN f.failure IS NOT NULL OR c.failure IS NOT NULL THEN 3 ELSE 2 END "
    "FROM files f LEFT JOIN contents c ON c.id = f.content"
)
_PRESENT = "f.directory NOT IN (SELECT id FROM directories WHERE absent IS NOT NULL)"
_NAME = "files"
_HEAD = struct.Struct("8s32sQ")  # format, token, files
_FORMAT = b"CSHFILE2"
_SPARE = 1024  # rows that a column has for future files

Mask = NDArray[np.bool_]


class Catalogue:
    """The columns `directory` and `content` (int32) and `state` (uint8), indexed by a file's id.

    A content of 0 is none. A `scope` is a mask over directory ids (DirectoryTree.mask), and None
    stands for all directories. Guarded by the library's `memory_lock`. `changes` counts changes.
    """

    def __init__(self, database: sqlite3.Connection, cache: cache_token.Cache) -> None:
        """Loads the copy in `cache` and applies the changes since, or reads all of `database`."""
        self._cache = cache
        self.cached = False  # the cache has a copy, which the next start can use
        self.changes = 0
        self._all_contents: tuple[int, Mask] = (-1, np.zeros(0, np.bool_))  # of which `changes`
        self.directory = np.zeros(_SPARE, np.int32)
        self.content = np.zeros(_SPARE, np.int32)
        self.state = np.zeros(_SPARE, np.uint8)
        self._counts = np.zeros((_SPARE, 4), np.int64)  # of files: [directory, state]
        self.cached = self._load(cache_token.token(database, _NAME))
        if self.cached:
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
        """Loads the copy if it has the `token`. Returns whether it has."""
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
        """Prepares a new copy and empties the table of changes; inside a `write()`.

        Returns a function that writes the copy, to be called after the commit.
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
            self.cached = True  # even if writing fails: another try would fail too
            self._cache.write(_NAME, head + data)

        return write

    def read(self, database: sqlite3.Connection, directories: Iterable[int]) -> None:
        """Reads the files of `directories` (ids), which were mounted again."""
        for directory in directories:
            self._read(database.execute(f"{_COLUMNS} WHERE f.directory = ?", (directory,)))

    def _read(self, rows: sqlite3.Cursor) -> None:
        while batch := rows.fetchmany(65536):
            files, directory, content, state = np.array(batch, np.int64).T
            self._set(files, directory, content, state)

    def put(self, file: int, directory: int, content: int | None, state: int) -> None:
        """Adds or replaces a file.

        `file`, `directory` and `content` are row ids, from 1 to 2**31 - 1; `content` is None while
        it isn't known. `state` is DUE, INDEXED or FAILED.
        """
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
        """Removes files by their ids; unknown ones are ignored."""
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
        """A mask over file ids, of the length of `state`: whether the file exists in `scope`."""
        present: Mask = self.state != NO_FILE
        if scope is not None:
            # A directory that is newer than the mask is outside its scope.
            present &= np.append(scope, False).take(self.directory, mode="clip")
        return present

    def pictures(self, files: Mask) -> Mask:
        """Those of some files of which the content is known, but for what can't be decoded."""
        known: Mask = files & (self.content[: len(files)] > 0)
        known &= self.state[: len(files)] != FAILED
        return known

    def count(self, state: int, scope: Mask | None = None) -> int:
        """The number of files in `state` and in `scope`. Its cost doesn't grow with their
        number."""
        counts = self._counts[:, state]
        if scope is None:
            return int(counts.sum())
        size = min(len(scope), len(counts))
        return int(counts[:size][scope[:size]].sum())

    def due_contents(self, scope: Mask | None = None) -> NDArray[np.int32]:
        """The contents that files in state DUE had when they were last read, one for each file; 0
        for a new file."""
        files = np.flatnonzero(self.state == DUE)
        if scope is not None:
            files = files[np.append(scope, False).take(self.directory[files], mode="clip")]
        return self.content[files]

    def due_directories(self, scope: Mask) -> list[int]:
        """The ids of the directories in `scope` with files in state DUE."""
        size = min(len(scope), len(self._counts))
        found: list[int] = np.flatnonzero(scope[:size] & (self._counts[:size, DUE] > 0)).tolist()
        return found

    def directories_with_files(self) -> Mask:
        """A mask over directory ids: whether files are in the directory. Ids beyond its end have
        none."""
        mask: Mask = np.asarray(self._counts.any(axis=1))
        return mask

    def files_with(self, contents: NDArray[np.int32]) -> NDArray[np.intp]:
        """The sorted ids of the files with one of `contents`, which must not be empty."""
        wanted = np.zeros(int(contents.max()) + 2, np.bool_)  # the last one is for larger ids
        wanted[contents] = True
        return np.flatnonzero(wanted.take(self.content, mode="clip"))

    def contents_of(self, files: Mask | None) -> Mask:
        """A mask over content ids: whether one of `files` has the content. Ids beyond its end have
        no file. `files` is a mask over file ids; None stands for all files."""
        if files is None:
            changes, mask = self._all_contents
            if changes != self.changes:
                mask = self._held(self.state != NO_FILE)
                self._all_contents = (self.changes, mask)
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
