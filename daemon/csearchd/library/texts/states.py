"""Which contents' words were read, by which version of the recogniser: in memory, a number each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

READ, FAILED, WITHHELD = 1, 2, 3
"""Its words were read, or it has none; they can't be read; the user had them forgotten."""

_SPARE = 1024
_STATES = 4

Mask = NDArray[np.bool_]


class TextStates:
    """The states by content id. Guarded by the library's `memory_lock`."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._versions: dict[str, int] = dict(
            database.execute("SELECT version, id FROM recognisers").fetchall()
        )
        # In one row: Python's sqlite3 releases the GIL for each row.
        (found,) = database.execute(
            f"SELECT group_concat(content || ',' || (coalesce(recogniser, 0) * {_STATES} + state)) "
            "FROM texts INDEXED BY texts_state"
        ).fetchone()
        numbers = np.fromstring(found or "", np.int64, sep=",").reshape(-1, 2)
        self._codes = np.zeros(int(numbers[:, 0].max(initial=0)) + _SPARE, np.int32)
        self._codes[numbers[:, 0]] = numbers[:, 1]

    def set(self, content: int, version: str | None, row: int, state: int) -> None:
        """Sets the state of a content; `row` is the id of the recogniser's version, 0 for none."""
        if version is not None:
            self._versions[version] = row
        if content >= len(self._codes):
            larger = np.zeros(max(content + _SPARE, len(self._codes) * 5 // 4), np.int32)
            larger[: len(self._codes)] = self._codes
            self._codes = larger
        self._codes[content] = row * _STATES + state

    def clear(self, contents: Iterable[int]) -> None:
        """Forgets the states of contents."""
        chosen = np.array([one for one in contents if one < len(self._codes)], np.int64)
        self._codes[chosen] = 0

    def read(self, contents: NDArray[np.int32]) -> Mask:
        """Whether the words of contents are known, of whatever version."""
        known: Mask = self._of(contents) % _STATES == READ
        return known

    def failed(self, contents: NDArray[np.int32], version: str) -> Mask:
        """Whether a version can't read the words of contents."""
        code = self._versions.get(version, -1) * _STATES + FAILED
        failed: Mask = self._of(contents) == code
        return failed

    def pending(self, contents: NDArray[np.int32], version: str) -> Mask:
        """Whether a version has still to read the words of contents."""
        codes = self._of(contents)
        known = codes // _STATES == self._versions.get(version, -1)
        done: Mask = known | (codes % _STATES == WITHHELD)
        return ~done & (contents > 0)

    def _of(self, contents: NDArray[np.int32]) -> NDArray[np.int32]:
        inside = contents < len(self._codes)
        return np.where(inside, self._codes.take(contents, mode="clip"), 0)
