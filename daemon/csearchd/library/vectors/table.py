"""The table of a model's vectors, and the search in it."""

from __future__ import annotations

import logging
import math
import os
import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csearchd.library import cache_token
from csearchd.library.scan import VectorScanner, best
from csearchd.library.vectors.code_file import CodeFile, Vectors
from csearchd.reasons import Reason, from_system
from csearchd.reasons import library as reasons

log = logging.getLogger(__name__)

_MAX_CONTENT = (1 << 31) - 1  # content ids are 32-bit numbers here
_BATCH = 4096  # rows that are encoded at a time
# The scan finds 1.5 times as many candidates as results, and _SPARE more, but at least one row in
# _SHARE. They are then compared exactly.
_SHARE = 500
_SPARE = 64
_LONGEST = 2  # length of a vector that isn't taken for damaged
_FEW = 32  # a selection of less than one row in so many is copied out of the codes

Rows = NDArray[np.integer[Any]]


class VectorTable:
    """Unit vectors by content id, as codes in a CodeFile. Removed rows are reused.

    One thread changes the table while others search it. `len` is the number of vectors.
    """

    def __init__(self, dimensions: int, directory: str | None = None) -> None:
        """The code file is in `directory`; without one, or if it can't be used, it is in memory."""
        self.dimensions = dimensions
        self._directory = directory
        self.place = directory or "memory"  # for remarks
        self.last_error: Reason | None = None  # why the codes are kept in memory, for the user
        self.damaged: set[Any] = set()  # contents with damaged vectors in the database
        self._scanner = VectorScanner()
        self._row = np.full(1024, -1, np.int32)  # by content id; -1: none
        self._free: list[int] = []
        self._used = 0
        self._discarded = False
        self._tokens: list[str] = []
        self.stale = False  # a change failed, so that all recorded changes must be applied again
        try:
            self._file = CodeFile(directory, dimensions)
        except OSError as error:
            self._note_error(directory, error)
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
        """Loads the vectors of `model` (a row id); inside a `write()`. Raises sqlite3.Error.

        The codes are in the directory `name` of `cache`. If they are current and undamaged, only
        recorded changes are applied; else all are computed from the database.
        """
        directory = cache.path(name)
        table = cls(dimensions, directory)
        token = cache_token.token(database, _name(model))
        table._tokens = [token] if token else []
        reason = table._file.damage
        if reason is None and token in table._file.tokens():
            if table._take_rows(_highest(database, model)):
                table._apply_changes(database, model)
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
        """Indexes the file's rows. Returns False if they are invalid: content ids are distinct and
        at most `highest`."""
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
        """Computes all codes from the database."""
        self._row = np.full(1024, -1, np.int32)
        self._free, self._used = [], 0
        rows = database.execute(
            "SELECT content, vector FROM vectors WHERE model = ? ORDER BY content", (model,)
        )
        while batch := rows.fetchmany(_BATCH):
            contents, vectors = self._sound(database, model, batch)
            if len(contents):
                self.extend(contents, vectors)

    def _apply_changes(self, database: sqlite3.Connection, model: int) -> None:
        """Applies the changes that the database has recorded."""
        rows = database.execute(
            "SELECT n.content, v.vector FROM changed_vectors n LEFT JOIN vectors v "
            "ON v.model = n.model AND v.content = n.content WHERE n.model = ?",
            (model,),
        )
        changes = rows.fetchall()
        present = [row for row in changes if row[1] is not None]
        contents, vectors = self._sound(database, model, present)
        self.stale = False
        removed = {row[0] for row in changes}.difference(contents.tolist())
        self.change((content, None) for content in removed)
        self.change(zip(contents.tolist(), vectors, strict=True))

    def _sound(
        self, database: sqlite3.Connection, model: int, rows: list[tuple[Any, Any]]
    ) -> tuple[NDArray[np.int32], Vectors]:
        """The contents and vectors of rows (content, vector) of the database, without damaged ones:
        those with a wrong size or type, and those that are far from unit length.

        Damaged rows are deleted from the database, so that the pictures are encoded again.
        """
        size = 2 * self.dimensions
        whole = [row for row in rows if isinstance(row[1], bytes) and len(row[1]) == size]
        whole = [row for row in whole if isinstance(row[0], int) and 0 < row[0] <= _MAX_CONTENT]
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
        """Gives the code file a new token and empties the table of changes; inside a `write()`.

        Returns a function to be called after the commit.
        """
        if self.stale:
            self._apply_changes(database, model)
            if self.stale:
                return lambda: None  # the changes stay recorded
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
        """Verifies all checksums and, if some are wrong, writes all rows again, in place, since
        searches go on; inside a `write()`. Returns what was damaged, or None."""
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
        """Deletes the code file. Searches under way can finish; later changes have no effect."""
        self._discarded = True
        self._file.discard()

    def close(self) -> None:
        """Flushes the rows to the disk and closes the code file. Searches under way can finish."""
        self._guard(lambda: self._file.mark(self._tokens, safe=True))
        self._file.close()

    def sample(self, count: int) -> NDArray[np.float32]:
        """Up to `count` vectors from evenly spaced rows: float32 of shape (n, dimensions)."""
        rows = np.flatnonzero(self._file.content[: self._used].copy())  # it may change meanwhile
        rows = rows[:: max(1, -(-len(rows) // count))] if len(rows) else rows
        return self._file.coordinates(rows)

    def __len__(self) -> int:
        return self._used - len(self._free)

    def change(self, changes: Iterable[tuple[int, Vectors | None]]) -> None:
        """Applies committed changes: content ids with new vectors (dimensions,), or None to remove.

        If that fails, `flush` repeats it from the database.
        """
        try:
            for content, vector in changes:
                if vector is None:
                    self.remove(content)
                else:
                    self.add(content, vector)
        except Exception:
            log.exception("vectors could not be changed in memory; they are read again")
            self.stale = True

    def add(self, content: int, vector: Vectors) -> None:
        """Adds or replaces the vector, of shape (dimensions,), of a content id."""
        self._reserve(content)
        row = int(self._row[content])
        if row < 0:
            row = self._free.pop() if self._free else self._used
        self._write(row, np.array([content], np.int32), vector[None])
        self._row[content] = row
        self._used = max(self._used, row + 1)

    def extend(self, contents: NDArray[np.int32], vectors: Vectors) -> None:
        """Adds the vectors (n, dimensions) of new `contents` (n,)."""
        self._reserve(int(contents.max()))
        self._write(self._used, contents, vectors)
        self._row[contents] = np.arange(self._used, self._used + len(contents))
        self._used += len(contents)

    def remove(self, content: int) -> None:
        """Removes the vector of a content id, if there is one."""
        row = int(self._row[content]) if 0 < content < len(self._row) else -1
        if row >= 0:
            self._guard(lambda: self._file.free(row))
            self._row[content] = -1
            self._free.append(row)

    def remove_all(self, contents: Iterable[int]) -> None:
        """As `change`, for many contents whose vectors are removed: it writes runs of rows."""
        try:
            found = np.array([c for c in contents if 0 < c < len(self._row)], np.int64)
            rows = np.sort(self._row[found])
            self._row[found] = -1
            rows = rows[rows >= 0]
            for run in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1):
                if len(run):  # `_guard` may replace the file
                    self._guard(partial(self._free_rows, int(run[0]), len(run)))
            self._free += rows.tolist()
        except Exception:
            log.exception("vectors could not be removed in memory; they are read again")
            self.stale = True

    def _free_rows(self, first: int, count: int) -> None:
        self._file.free(first, count)

    def has(self, contents: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of `contents`, ids of shape (n,), have a vector: bool of shape (n,)."""
        rows = self._row  # `add` may replace it meanwhile
        known: NDArray[np.bool_] = rows.take(contents, mode="clip") >= 0
        known &= contents < len(rows)
        return known

    def vectors(self, contents: NDArray[np.int32]) -> NDArray[np.float32]:
        """The unit vectors of `contents` (n,), all of which must have one: float32 of shape (n,
        dimensions)."""
        return self._file.coordinates(self._row[contents].astype(np.intp))

    def search(
        self, query: NDArray[np.float32], wanted: NDArray[np.bool_] | None, count: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The `count` best contents, int32 ids, and their scores, float32 dot products, best first.

        `query` is a unit vector (dimensions,); `wanted` a mask over content ids, None for all. The
        scan over the high bytes finds more candidates than needed, which are compared in full.
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

    def at_least(
        self,
        query: NDArray[np.float32],
        wanted: NDArray[np.bool_],
        least: float,
        check: Callable[[], object] = lambda: None,
    ) -> NDArray[np.int32]:
        """All contents with a score of `least` or more, int32 ids in no order.

        `query` and `wanted` are as in `search`. One scan over the high bytes decides on most rows;
        those that its rounding leaves open are compared in full, in blocks, between which `check`
        is called.
        """
        used, file = self._used, self._file
        codes, scale, contents = file.high[:used], file.scale[:used], file.content[:used]
        if not used:
            return np.zeros(0, np.int32)
        factor = float(np.abs(query).max()) / 127
        scores = self._scanner.scores(codes, scale, query) * np.float32(factor)
        # Half a step for each coordinate of the row, and for each of the query.
        error = scale * np.float32(np.abs(query).sum() / 2)
        error += np.float32(factor / 2 * math.sqrt(self.dimensions) * _LONGEST)
        kept = scores >= least + error
        kept &= _are_wanted(contents, wanted)
        open_rows = np.flatnonzero((scores >= least - error) & (scores < least + error))
        open_rows = open_rows[_are_wanted(contents[open_rows], wanted)]
        for start in range(0, len(open_rows), _BATCH):
            check()
            rows = open_rows[start : start + _BATCH]
            exact = np.einsum("ij,j->i", file.coordinates(rows), query)
            kept[rows] = exact >= least
        found: NDArray[np.int32] = contents[kept]
        return found

    def _best_wanted(
        self,
        scores: NDArray[np.float32],
        contents: NDArray[np.int32],
        wanted: NDArray[np.bool_] | None,
        chosen: int,
        count: int,
    ) -> Rows:
        """The rows with the largest `count` of `scores` whose content is wanted.

        `chosen` is the number of wanted contents. If they are many, enough of them are among the
        best of all rows, which are found faster.
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
        """The rows of wanted contents, among the first `used` rows."""
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
        """Calls `action`, which changes the code file. If that fails, continues with a copy in
        memory.
        """
        if self._discarded:
            return
        try:
            action()
        except OSError as error:
            self._note_error(self._directory, error)
            broken, self._file = self._file, CodeFile(None, self.dimensions)
            self._file.copy(broken)
            broken.close()
            action()

    def _note_error(self, directory: str | None, error: OSError) -> None:
        where = directory or error.filename
        place = os.fsencode(where) if where else reasons.THE_CACHE()
        self.last_error = reasons.IN_MEMORY(place=place, reason=from_system(error))
        log.warning("%s", self.last_error)


def _highest(database: sqlite3.Connection, model: int) -> int:
    """The highest content id that a code file of `model` may have."""
    (highest,) = database.execute(
        "SELECT max(coalesce((SELECT max(content) FROM vectors WHERE model = ?1 "
        "AND content <= ?2), 0), "
        "coalesce((SELECT max(content) FROM changed_vectors WHERE model = ?1), 0))",
        (model, _MAX_CONTENT),
    ).fetchone()
    return int(highest)


def forget_other_changes(database: sqlite3.Connection, tables: Iterable[int]) -> None:
    """Deletes the recorded changes of models that are not in `tables` (row ids); inside a
    `write()`.

    Their code files lose their tokens, so that they aren't used any more.
    """
    models = list(tables)
    marks = ",".join("?" * len(models))
    database.execute(f"DELETE FROM changed_vectors WHERE model NOT IN ({marks})", models)
    names = [_name(model) for model in models]
    cache_token.delete_other_tokens(database, _name("%"), names)


def _name(model: int | str) -> str:
    return f"vectors-{model}"


def _are_wanted(contents: NDArray[np.int32], wanted: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Which of `contents`, where 0 is none, are in the mask `wanted`, which may be too short."""
    found: NDArray[np.bool_] = contents > 0
    if wanted is not None:
        found &= wanted.take(contents, mode="clip") & (contents < len(wanted))
    return found
