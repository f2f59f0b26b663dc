"""The vectors of one model, and the search among them."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csearchd.library import cache_token
from csearchd.library.scan import VectorScanner, best
from csearchd.library.vectors.code_file import CodeFile, Vectors
from csearchd.reasons import Reason, from_system
from csearchd.reasons import library as reasons

log = logging.getLogger(__name__)

_MOST_CONTENT = (1 << 31) - 1  # content ids are 32-bit numbers here
_BATCH = 4096  # rows that are encoded at a time
_SHARE = 500  # one row of so many is compared exactly, at least
_SPARE = 64  # candidates, beside one and a half times as many as are wanted
_FEW = 32  # a selection of less than one row of so many is picked out of the codes

Rows = NDArray[np.integer[Any]]


class VectorTable:
    """Unit vectors by content id, as codes in a file; a removed row is used again.

    One thread changes the table while others search it: a row is written before it is given its
    content.
    """

    def __init__(self, dimensions: int, directory: str | None = None) -> None:
        """With the code file in `directory`, or in memory, where that can't be used or is None."""
        self.dimensions = dimensions
        self._directory = directory
        self.place = directory or "memory"
        self.last_error: Reason | None = None  # why the codes are in memory, for the user
        self.damaged: set[Any] = set()  # contents whose vectors were damaged, to be told of
        self._scanner = VectorScanner()
        self._row = np.full(1024, -1, np.int32)  # by content
        self._free: list[int] = []
        self._used = 0
        self._discarded = False
        self._tokens: list[str] = []
        self.behind = False  # a change failed: the notes of changes must be gone through again
        try:
            self._file = CodeFile(directory, dimensions)
        except OSError as error:
            self._complain(directory, error)
            self._file = CodeFile(None, dimensions)

    @classmethod
    def load(
        cls,
        database: sqlite3.Connection,
        model: int,
        dimensions: int,
        cache: cache_token.Cache,
        name: str,
    ) -> VectorTable:
        """The vectors that the database has for `model`; inside a transaction.

        Their codes are in the directory `name` of `cache`. Damaged ones are made anew.
        """
        directory = cache.path(name)
        table = cls(dimensions, directory)
        token = cache_token.token(database, _name(model))
        table._tokens = [token] if token else []
        reason = table._file.damage
        if reason is None and token in table._file.tokens():
            if table._take_rows(_highest(database, model)):
                table._catch_up(database, model)
                reason = table._file.damaged_rows()
            else:
                reason = reasons.UNKNOWN_PICTURES()
            if reason is None:
                return table
        if reason and directory:
            cache.report(directory, reason)
        elif len(table._file.content):
            log.info("%s is of another state of the library and is made anew", directory)
        table._guard(lambda: table._file.clear())
        table._read(database, model)
        return table

    def _take_rows(self, highest: int) -> bool:
        """Takes over what the file holds. False if that can't be: no content is above `highest`."""
        contents = self._file.content
        rows = np.flatnonzero(contents)
        self._used = int(rows[-1]) + 1 if len(rows) else 0
        if contents.min(initial=0) < 0 or contents.max(initial=0) > highest:
            return False
        self._row = np.full(int(contents.max(initial=0)) + 1024, -1, np.int32)
        self._row[contents[rows]] = rows
        self._free = np.flatnonzero(contents[: self._used] == 0).tolist()
        return bool((self._row[contents[rows]] == rows).all())

    def _read(self, database: sqlite3.Connection, model: int) -> None:
        self._row = np.full(1024, -1, np.int32)
        self._free, self._used = [], 0
        rows = database.execute(
            "SELECT content, vector FROM vectors WHERE model = ? ORDER BY content", (model,)
        )
        while batch := rows.fetchmany(_BATCH):
            contents, vectors = self._sound(database, model, batch)
            if len(contents):
                self.extend(contents, vectors)

    def _catch_up(self, database: sqlite3.Connection, model: int) -> None:
        rows = database.execute(
            "SELECT n.content, v.vector FROM changed_vectors n LEFT JOIN vectors v "
            "ON v.model = n.model AND v.content = n.content WHERE n.model = ?",
            (model,),
        )
        noted = rows.fetchall()
        held = [row for row in noted if row[1] is not None]
        contents, vectors = self._sound(database, model, held)
        self.behind = False
        gone = {row[0] for row in noted}.difference(contents.tolist())
        self.change((content, None) for content in gone)
        self.change(zip(contents.tolist(), vectors, strict=True))

    def _sound(
        self, database: sqlite3.Connection, model: int, rows: list[tuple[Any, Any]]
    ) -> tuple[NDArray[np.int32], Vectors]:
        """The contents and vectors of rows of the database, without those that are damaged: of
        another length in bytes, no numbers, or nothing like unit vectors.

        Damaged ones are removed from the database, so that the pictures are encoded again.
        """
        size = 2 * self.dimensions
        whole = [row for row in rows if isinstance(row[1], bytes) and len(row[1]) == size]
        whole = [row for row in whole if isinstance(row[0], int) and 0 < row[0] <= _MOST_CONTENT]
        contents = np.array([content for content, _ in whole], np.int32)
        joined = b"".join(vector for _, vector in whole)
        vectors = np.frombuffer(joined, "<f2").reshape(-1, self.dimensions)
        squares = np.square(vectors.astype(np.float32)).sum(axis=1)
        sound = (squares > 0.25) & (squares < 4)
        damaged = {content for content, _ in rows}.difference(contents[sound].tolist())
        database.executemany(
            "DELETE FROM vectors WHERE model = ? AND content = ?",
            [(model, content) for content in damaged],
        )
        self.damaged |= damaged
        return contents[sound], vectors[sound]

    def flush(self, database: sqlite3.Connection, model: int) -> Callable[[], None]:
        """Clears the notes of changes, all of which the file has; inside a transaction.

        Returns what must be done once that is committed.
        """
        if self.behind:
            self._catch_up(database, model)
            if self.behind:
                return lambda: None  # the notes stay
        old, new = self._tokens, cache_token.new_token()
        self._guard(lambda: self._file.mark([*old, new]))
        cache_token.set_token(database, _name(model), new)
        database.execute("DELETE FROM changed_vectors WHERE model = ?", (model,))
        self._tokens = [*old, new]

        def finish() -> None:
            self._tokens = [new]
            self._guard(lambda: self._file.mark([new]))

        return finish

    def verify(self, database: sqlite3.Connection, model: int) -> Reason | None:
        """Compares all rows with their checksums, and where some are damaged writes all anew, in
        place, since searches go on; inside a transaction. Says what was damaged."""
        reason = self._file.damaged_rows()
        if reason:
            self._guard(lambda: self._file.restore_size())
            for row in self._free:
                self._guard(lambda row=row: self._file.free(row))  # type: ignore[misc]
            self._guard(lambda: self._file.clear_from(self._used))
            rows = database.execute(
                "SELECT content, vector FROM vectors WHERE model = ? ORDER BY content", (model,)
            )
            stale = self._row >= 0
            while batch := rows.fetchmany(_BATCH):
                contents, vectors = self._sound(database, model, batch)
                self.change(zip(contents.tolist(), vectors, strict=True))
                stale[contents[contents < len(stale)]] = False
            self.change((content, None) for content in np.flatnonzero(stale).tolist())
        return reason

    def discard(self) -> None:
        """Removes the code file; who still searches may end, and changes are of no effect."""
        self._discarded = True
        self._file.discard()

    def close(self) -> None:
        """After the last change; who still searches may end. The rows are safe on the disk."""
        self._guard(lambda: self._file.mark(self._tokens, safe=True))
        self._file.close()

    def sample(self, count: int) -> NDArray[np.float32]:
        """Up to `count` of the vectors, evenly spread, of shape (n, dimensions)."""
        rows = np.flatnonzero(self._file.content[: self._used])
        rows = rows[:: max(1, -(-len(rows) // count))] if len(rows) else rows
        return self._file.coordinates(rows)

    def __len__(self) -> int:
        return self._used - len(self._free)

    def change(self, changes: Iterable[tuple[int, Vectors | None]]) -> None:
        """Takes over what was committed: contents with their new vectors; None removes one.

        Where that fails, `settle` does it again from the database.
        """
        try:
            for content, vector in changes:
                if vector is None:
                    self.remove(content)
                else:
                    self.add(content, vector)
        except Exception:
            log.exception("changes of the vectors will be gone through again")
            self.behind = True

    def add(self, content: int, vector: Vectors) -> None:
        """Adds or replaces the vector, of shape (dimensions,), of a content."""
        self._reserve(content)
        row = int(self._row[content])
        if row < 0:
            row = self._free.pop() if self._free else self._used
        self._write(row, np.array([content], np.int32), vector[None])
        self._row[content] = row
        self._used = max(self._used, row + 1)

    def extend(self, contents: NDArray[np.int32], vectors: Vectors) -> None:
        """Adds many that are new, one vector of shape (n, dimensions) for each content."""
        self._reserve(int(contents.max()))
        self._write(self._used, contents, vectors)
        self._row[contents] = np.arange(self._used, self._used + len(contents))
        self._used += len(contents)

    def remove(self, content: int) -> None:
        row = int(self._row[content]) if 0 < content < len(self._row) else -1
        if row >= 0:
            self._guard(lambda: self._file.free(row))
            self._row[content] = -1
            self._free.append(row)

    def has(self, contents: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of `contents` (0 is none) have a vector."""
        rows = self._row  # add() may replace it
        known: NDArray[np.bool_] = rows.take(contents, mode="clip") >= 0
        known &= contents < len(rows)
        return known

    def vectors(self, contents: NDArray[np.int32]) -> NDArray[np.float32]:
        """The vectors of contents that have one, of shape (n, dimensions), unit length."""
        return self._file.coordinates(self._row[contents].astype(np.intp))

    def search(
        self, query: NDArray[np.float32], wanted: NDArray[np.bool_] | None, count: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The best `count` contents and their scores (dot products), best first.

        `query` has shape (dimensions,) and unit length; `wanted` is a mask by content id. The scan
        over the high bytes finds more candidates than needed, which are then compared in full.
        """
        used, file = self._used, self._file
        codes, scale, contents = file.high[:used], file.scale[:used], file.content[:used]
        candidates = max(count + count // 2 + _SPARE, used // _SHARE)
        chosen = int(np.count_nonzero(wanted)) if wanted is not None else used
        if not chosen or not used:
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        if wanted is not None and chosen * _FEW < used:
            rows: Rows = self._rows(wanted, used)
            picked = self._scanner.scores(codes[rows], scale[rows], query)
            rows = rows[best(picked, candidates)]
        else:
            scores = self._scanner.scores(codes, scale, query)
            rows = self._best_wanted(scores, contents, wanted, chosen, candidates)
        found = contents[rows]
        # Not a matrix product: equal rows have the same score.
        exact: NDArray[np.float32] = np.einsum("ij,j->i", file.coordinates(rows), query)
        order = np.lexsort((found, -exact))[:count]
        order = order[_are_wanted(found[order], wanted)]
        return found[order], exact[order]

    def _best_wanted(
        self,
        scores: NDArray[np.float32],
        contents: NDArray[np.int32],
        wanted: NDArray[np.bool_] | None,
        chosen: int,
        count: int,
    ) -> Rows:
        """The rows of the largest `count` scores among those whose content is wanted.

        Of the `chosen` contents that are wanted, if they are many, enough are among somewhat more
        of the best of all: then the others are not looked at.
        """
        if chosen * 4 > len(scores):
            rows = best(scores, count * len(scores) // chosen * 5 // 4)
            rows = rows[_are_wanted(contents[rows], wanted)]
            if len(rows) >= count:
                return rows[best(scores[rows], count)]
        if wanted is None:
            wanted_rows: Rows = np.flatnonzero(contents)
        else:
            wanted_rows = self._rows(wanted, len(scores))
        return wanted_rows[best(scores[wanted_rows], count)]

    def _rows(self, wanted: NDArray[np.bool_], used: int) -> Rows:
        """The rows of contents that are wanted, of the first `used`."""
        row_of = self._row
        rows = row_of[np.flatnonzero(wanted[: len(row_of)])]
        kept: Rows = rows[(rows >= 0) & (rows < used)]
        return kept

    def _reserve(self, content: int) -> None:
        if content >= len(self._row):
            larger = np.full(max(content + 1024, len(self._row) * 5 // 4), -1, np.int32)
            larger[: len(self._row)] = self._row
            self._row = larger

    def _write(self, row: int, contents: NDArray[np.int32], vectors: Vectors) -> None:
        self._guard(lambda: self._file.put_rows(row, contents, vectors))

    def _guard(self, action: Callable[[], None]) -> None:
        """Does something to the file; where that fails, to a copy in memory."""
        if self._discarded:
            return
        try:
            action()
        except OSError as error:
            self._complain(self._directory, error)
            broken, self._file = self._file, CodeFile(None, self.dimensions)
            self._file.copy(broken)
            broken.close()
            action()

    def _complain(self, directory: str | None, error: OSError) -> None:
        where = directory or error.filename
        place = os.fsencode(where) if where else reasons.THE_CACHE()
        self.last_error = reasons.IN_MEMORY(place=place, reason=from_system(error))
        log.warning("%s", self.last_error)


def _highest(database: sqlite3.Connection, model: int) -> int:
    """The highest content that a code file of `model` may have."""
    (highest,) = database.execute(
        "SELECT max(coalesce((SELECT max(content) FROM vectors WHERE model = ?1 "
        "AND content <= ?2), 0), "
        "coalesce((SELECT max(content) FROM changed_vectors WHERE model = ?1), 0))",
        (model, _MOST_CONTENT),
    ).fetchone()
    return int(highest)


def forget_other_changes(database: sqlite3.Connection, tables: Iterable[int]) -> None:
    """Clears the notes of changes of models without a table; inside a transaction.

    A code file that one of them has left behind is not trusted any more.
    """
    models = list(tables)
    marks = ",".join("?" * len(models))
    database.execute(f"DELETE FROM changed_vectors WHERE model NOT IN ({marks})", models)
    names = [_name(model) for model in models]
    cache_token.keep_tokens(database, _name("%"), names)


def _name(model: int | str) -> str:
    return f"vectors-{model}"


def _are_wanted(contents: NDArray[np.int32], wanted: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Which contents (0 is none) are among `wanted`, a mask that may be too short."""
    found: NDArray[np.bool_] = contents > 0
    if wanted is not None:
        found &= wanted.take(contents, mode="clip") & (contents < len(wanted))
    return found
