"""The files in memory, as columns: which directory, which content, how far they are.

Names stay in the database: they are needed only for what is shown.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

ABSENT, DUE, KNOWN, FAILED = range(4)  # the states of a file

_COLUMNS = (
    "SELECT f.id, f.directory, coalesce(f.content, 0), CASE WHEN f.due THEN 1 WHEN "
    "f.failure IS NOT NULL OR c.failure IS NOT NULL THEN 3 ELSE 2 END "
    "FROM files f LEFT JOIN contents c ON c.id = f.content"
)
_PRESENT = "f.directory NOT IN (SELECT id FROM directories WHERE absent IS NOT NULL)"


class Catalogue:
    """Columns indexed by a file's id. A scope is a mask over directories (DirectoryTree.mask)."""

    def __init__(self, database: sqlite3.Connection) -> None:
        (highest,) = database.execute("SELECT coalesce(max(id), 0) FROM files").fetchone()
        size = highest + 1024
        self.directory = np.zeros(size, np.int32)
        self.content = np.zeros(size, np.int32)
        self.state = np.zeros(size, np.uint8)
        self._read(database.execute(f"{_COLUMNS} WHERE {_PRESENT}"))

    def read(self, database: sqlite3.Connection, directories: Iterable[int]) -> None:
        """Reads the files of some directories anew: they have come back with their disk."""
        for directory in directories:
            self._read(database.execute(f"{_COLUMNS} WHERE f.directory = ?", (directory,)))

    def _read(self, rows: sqlite3.Cursor) -> None:
        while batch := rows.fetchmany(65536):
            columns = np.array(batch, np.int64).T
            self.directory[columns[0]] = columns[1]
            self.content[columns[0]] = columns[2]
            self.state[columns[0]] = columns[3]

    def put(self, file: int, directory: int, content: int | None, state: int) -> None:
        if file >= len(self.state):
            size = max(file + 1, len(self.state) * 3 // 2)
            self.directory = _grown(self.directory, size)
            self.content = _grown(self.content, size)
            self.state = _grown(self.state, size)
        self.directory[file] = directory
        self.content[file] = content or 0
        self.state[file] = state

    def remove(self, files: Iterable[int]) -> None:
        chosen = list(files)
        self.state[chosen] = ABSENT
        self.content[chosen] = 0
        self.directory[chosen] = 0

    def inside(self, scope: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """One bool for each file's id: whether it exists and is in the scope (None: everywhere)."""
        present: NDArray[np.bool_] = self.state != ABSENT
        if scope is not None:
            present &= self._in_scope(scope)
        return present

    def count(self, state: int, scope: NDArray[np.bool_] | None = None) -> int:
        chosen = self.state == state
        if scope is not None:
            chosen &= self._in_scope(scope)
        return int(np.count_nonzero(chosen))

    def _in_scope(self, scope: NDArray[np.bool_]) -> NDArray[np.bool_]:
        # A directory that is newer than the mask is not in it.
        inside: NDArray[np.bool_] = np.append(scope, False)[np.minimum(self.directory, len(scope))]
        return inside


def _grown(column: NDArray[Any], size: int) -> NDArray[Any]:
    larger = np.zeros(size, column.dtype)
    larger[: len(column)] = column
    return larger
