"""The vectors of one model in memory, and the scan over them."""

from __future__ import annotations

import sqlite3

import numpy as np
from numpy.typing import NDArray

_BLOCK = 4096  # rows; memory grows by a block at a time and nothing is ever copied


class VectorTable:
    """Unit vectors by content id.

    Rows are float32 in blocks; a removed row is used again. One thread changes the table while
    others search it: a row is written before it is given its content.
    """

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._blocks: list[NDArray[np.float32]] = []
        self._content = np.zeros(0, np.int32)  # by row; 0 is a free one
        self._row = np.full(1024, -1, np.int32)  # by content
        self._free: list[int] = []
        self._used = 0

    @classmethod
    def load(cls, database: sqlite3.Connection, model: int, dimensions: int) -> VectorTable:
        """The vectors that the database has for `model`."""
        table = cls(dimensions)
        rows = database.execute(
            "SELECT content, vector FROM vectors WHERE model = ? ORDER BY content", (model,)
        )
        while batch := rows.fetchmany(_BLOCK):
            vectors = np.frombuffer(b"".join(vector for _, vector in batch), "<f2")
            for (content, _), vector in zip(batch, vectors.reshape(-1, dimensions), strict=True):
                table.add(content, vector)
        return table

    def sample(self, count: int) -> NDArray[np.float32]:
        """Up to `count` of the vectors, evenly spread, of shape (n, dimensions)."""
        rows = np.flatnonzero(self._content)
        rows = rows[:: max(1, -(-len(rows) // count))] if len(rows) else rows
        vectors = [self._blocks[row // _BLOCK][row % _BLOCK] for row in rows]
        return np.array(vectors, np.float32).reshape(len(vectors), self.dimensions)

    def __len__(self) -> int:
        return self._used - len(self._free)

    def add(self, content: int, vector: NDArray[np.float16] | NDArray[np.float32]) -> None:
        """Adds or replaces the vector, of shape (dimensions,), of a content."""
        if content >= len(self._row):
            larger = np.full(max(content + 1, len(self._row) * 3 // 2), -1, np.int32)
            larger[: len(self._row)] = self._row
            self._row = larger
        row = int(self._row[content])
        if row < 0:
            row = self._free.pop() if self._free else self._next_row()
        self._blocks[row // _BLOCK][row % _BLOCK] = vector
        self._row[content] = row
        self._content[row] = content

    def remove(self, content: int) -> None:
        row = int(self._row[content]) if content < len(self._row) else -1
        if row >= 0:
            self._content[row] = 0
            self._row[content] = -1
            self._free.append(row)

    def has(self, contents: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of `contents` (0 is none) have a vector."""
        rows = self._row  # add() may replace it
        known: NDArray[np.bool_] = (contents > 0) & (contents < len(rows))
        known[known] = rows[contents[known]] >= 0
        return known

    def search(
        self, query: NDArray[np.float32], wanted: NDArray[np.bool_] | None, count: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The best `count` contents and their scores (dot products), best first.

        `query` has shape (dimensions,) and unit length; `wanted` is a mask by content id.
        """
        contents = self._content
        blocks = self._blocks[: len(contents) // _BLOCK]
        if not blocks:
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        scores = np.concatenate([block @ query for block in blocks])
        allowed = contents > 0
        if wanted is not None:
            allowed &= np.append(wanted, False)[np.minimum(contents, len(wanted))]
        rows = np.flatnonzero(allowed)
        scores = scores[rows]
        if len(rows) > count:
            best = np.argpartition(scores, len(rows) - count)[len(rows) - count :]
            rows, scores = rows[best], scores[best]
        order = np.argsort(-scores, kind="stable")
        return contents[rows[order]], scores[order]

    def _next_row(self) -> int:
        if self._used == len(self._blocks) * _BLOCK:
            self._blocks.append(np.zeros((_BLOCK, self.dimensions), np.float32))
            self._content = np.append(self._content, np.zeros(_BLOCK, np.int32))
        self._used += 1
        return self._used - 1
