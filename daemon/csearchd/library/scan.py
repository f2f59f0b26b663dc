"""The scan over the codes: approximate scores of all rows, and the best of them.

numkong computes the int8 dot products, with the processor's best instructions. It releases the GIL,
so that Python threads use all processors.
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
_MAX_BATCH = 8  # searches that share a scan
_SAMPLE = 16384  # scores from which the threshold of the best is estimated

Scores = NDArray[np.float32]


class VectorScanner:
    """Scores all rows for a query. Several threads may call it at once.

    Searches that arrive during a scan share the next one: a scan for eight queries takes a third of
    the time of eight scans.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(min(16, processors.count()), "scan")
        self._waiting_lock = threading.Lock()
        self._scan_lock = threading.Lock()
        self._waiting: list[_Search] = []

    def scores(self, codes: NDArray[np.int8], scale: Scores, query: NDArray[np.float32]) -> Scores:
        """The scores of all rows, float32 of shape (rows,).

        A score is the dot product of the row, int8 of shape (dimensions,), with `query`, quantised
        to 8 bits, times the row's `scale`; all are off by one common factor. Shapes: `codes` (rows,
        dimensions), `scale` (rows,), `query` (dimensions,). Raises what the scan does.
        """
        search = _Search(codes, scale, quantised(query))
        if len(codes) <= _CHUNK:
            return _single(codes, search.query) * scale
        with self._waiting_lock:
            self._waiting.append(search)
        with self._scan_lock:
            while not search.served:
                self._scan()
        if search.error is not None:
            raise search.error
        assert search.scores is not None
        return search.scores

    def _scan(self) -> None:
        """Serves the search that has waited longest, with others over the same rows."""
        with self._waiting_lock:
            first = self._waiting[0]
            batch = [search for search in self._waiting if search.has_same_rows(first)][:_MAX_BATCH]
        try:
            self._serve(batch)
        finally:  # searches without an answer wait for the next scan
            with self._waiting_lock:
                served = [search for search in batch if search.served]
                self._waiting = [search for search in self._waiting if search not in served]

    def _serve(self, batch: Sequence[_Search]) -> None:
        """Scans once for all searches of `batch`. If that fails, scans for each on its own, so that
        only a search that fails on its own gets an error."""
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
        """The scores of searches over the same rows: float32 of shape (searches, rows)."""
        codes, scale = batch[0].codes, batch[0].scale
        found = np.empty((len(batch), len(codes)), np.float32)
        packed = numkong.dots_pack(np.stack([search.query for search in batch]), dtype="int8")

        def part(start: int) -> None:
            rows = slice(start, start + _CHUNK)
            if len(batch) == 1:
                scores = _single(codes[rows], batch[0].query)
            else:
                some = np.ascontiguousarray(codes[rows])  # numkong requires it
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
        self._layout = (_layout(codes), _layout(scale))

    @property
    def served(self) -> bool:
        return self.scores is not None or self.error is not None

    def has_same_rows(self, other: _Search) -> bool:
        """Whether both search the same arrays in memory, to which both hold references."""
        return self._layout == other._layout


def _layout(array: NDArray[Any]) -> tuple[object, ...]:
    """The address of an array's data, and its layout in memory."""
    return array.ctypes.data, array.shape, array.strides, array.dtype


def _single(rows: NDArray[np.int8], query: NDArray[np.int8]) -> Scores:
    """The dot products of `rows` with one query, float32 of shape (rows,)."""
    if not len(rows):
        return np.zeros(0, np.float32)
    rows = np.ascontiguousarray(rows)
    scores: NDArray[np.float64] = np.asarray(numkong.cdist(query[None], rows, "dot"))[0]
    return scores.astype(np.float32)


def quantised(query: NDArray[np.float32]) -> NDArray[np.int8]:
    """`query`, of shape (dimensions,), scaled to the range of int8 and rounded."""
    largest = float(np.abs(query).max()) or 1.0
    numbers: NDArray[np.int8] = np.rint(query * (127 / largest)).astype(np.int8)
    return numbers


def best(scores: Scores, count: int) -> NDArray[np.intp]:
    """The indices of the largest `count` of `scores`, unordered; all if there are no more."""
    if len(scores) <= count:
        return np.arange(len(scores))
    step = len(scores) // _SAMPLE
    if step > 4:  # a threshold estimated from a sample saves partitioning all scores
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
