"""The scan over the codes: every row's approximate score, and the best of them.

The kernel is numkong's: int8 dot products with whatever the processor has for them. It lets go of
the interpreter's lock, so that threads of Python are enough to use all processors.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numkong
import numpy as np
from numpy.typing import NDArray

from csearchd.system import processors

_CHUNK = 32768  # rows at a time: their scores stay in the processor's cache
_TOGETHER = 8  # searches that share a scan
_SAMPLE = 16384  # scores that tell where the best begin

Scores = NDArray[np.float32]


class VectorScanner:
    """Scores all rows for a query. Searches that come while a scan is under way share the next one.

    Reading the codes once for eight queries takes a third of the time of reading them eight times.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(min(16, processors.count()), "scan")
        self._guard = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[_Search] = []

    def scores(self, codes: NDArray[np.int8], scale: Scores, query: NDArray[np.float32]) -> Scores:
        """Dot products, up to a factor, of `query` in 8 bits with the rows of `codes`.

        Shapes: (rows, dimensions), (rows,), (dimensions,).
        """
        search = _Search(codes, scale, quantised(query))
        if len(codes) <= _CHUNK:
            return _single(codes, search.query) * scale
        with self._guard:
            self._waiting.append(search)
        with self._turn:
            while not search.served:
                self._scan()
        if search.error is not None:
            raise search.error
        assert search.scores is not None
        return search.scores

    def _scan(self) -> None:
        """Serves the searches that came first, all that are of the same rows."""
        with self._guard:
            first = self._waiting[0]
            batch = [search for search in self._waiting if search.alike(first)][:_TOGETHER]
        try:
            self._serve(batch)
        finally:  # what has no answer yet stays for the next scan
            with self._guard:
                gone = [search for search in batch if search.served]
                self._waiting = [search for search in self._waiting if search not in gone]

    def _serve(self, batch: Sequence[_Search]) -> None:
        """Scans once for a batch. Where that fails each is scanned for by itself, so that only
        the one that cannot be answered gets an error."""
        try:
            found = self._together(batch)
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
            else:
                for search in batch:
                    self._serve([search])
            return
        for search, scores in zip(batch, found, strict=True):
            search.scores = scores

    def _together(self, batch: Sequence[_Search]) -> Scores:
        """The scores of searches of the same rows: (searches, rows)."""
        codes, scale = batch[0].codes, batch[0].scale
        found = np.empty((len(batch), len(codes)), np.float32)
        packed = numkong.dots_pack(np.stack([search.query for search in batch]), dtype="int8")

        def part(start: int) -> None:
            rows = slice(start, start + _CHUNK)
            if len(batch) == 1:
                scores = _single(codes[rows], batch[0].query)
            else:
                some = np.ascontiguousarray(codes[rows])  # the kernel takes nothing else
                scores = np.asarray(numkong.dots_packed(some, packed)).T
            np.multiply(scores, scale[rows], out=found[:, rows], casting="same_kind")

        for _ in self._pool.map(part, range(0, len(codes), _CHUNK)):
            pass
        return found


class _Search:
    def __init__(self, codes: NDArray[np.int8], scale: Scores, query: NDArray[np.int8]) -> None:
        self.codes = codes
        self.scale = scale
        self.query = query
        self.scores: Scores | None = None
        self.error: Exception | None = None
        self._place = (_place(codes), _place(scale))

    @property
    def served(self) -> bool:
        return self.scores is not None or self.error is not None

    def alike(self, other: _Search) -> bool:
        """Whether the same rows are searched: those at the same place in memory, to which both
        searches hold on."""
        return self._place == other._place


def _place(array: NDArray[Any]) -> tuple[object, ...]:
    """Where the numbers of an array are, and how they lie there."""
    return array.ctypes.data, array.shape, array.strides, array.dtype


def _single(rows: NDArray[np.int8], query: NDArray[np.int8]) -> Scores:
    if not len(rows):
        return np.zeros(0, np.float32)
    rows = np.ascontiguousarray(rows)
    scores: NDArray[np.float64] = np.asarray(numkong.cdist(query[None], rows, "dot"))[0]
    return scores.astype(np.float32)


def quantised(query: NDArray[np.float32]) -> NDArray[np.int8]:
    """`query` in 8 bits, up to a factor."""
    largest = float(np.abs(query).max()) or 1.0
    numbers: NDArray[np.int8] = np.rint(query * (127 / largest)).astype(np.int8)
    return numbers


def best(scores: Scores, count: int) -> NDArray[np.intp]:
    """Where the largest `count` of `scores` are, in no order; all, if there are no more."""
    if len(scores) <= count:
        return np.arange(len(scores))
    step = len(scores) // _SAMPLE
    if step > 4:  # a sample tells about where they begin: most need never be compared
        sample = scores[::step]
        above = len(sample) * count // len(scores) * 5 // 4 + 32
        if above < len(sample):
            found = np.flatnonzero(scores >= np.partition(sample, -above)[-above])
            if len(found) >= count:
                return found[_largest(scores[found], count)]
    return _largest(scores, count)


def _largest(scores: Scores, count: int) -> NDArray[np.intp]:
    chosen: NDArray[np.intp] = np.argpartition(scores, len(scores) - count)[len(scores) - count :]
    return chosen
