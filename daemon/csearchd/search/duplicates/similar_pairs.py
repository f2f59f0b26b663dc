"""Finds the pairs of pictures with similar vectors, or spectra, of which some are near-duplicates.

The similarity of two pictures is the cosine of their centred vectors
(csearchd.scoring.confidence). To find all similar pairs, an upper bound of it is computed for all
pairs, in blocks: if a(x) are the coordinates of x along the directions in which pictures vary most,
and r(x) is the length of the rest, then x·y ≤ a(x)·a(y) + r(x) r(y). This is a product of short
vectors. Only pairs whose bound reaches the limit are compared in full, so that none is missed.

Copies that were turned or mirrored are found by their spectra (csearchd.search.duplicates.spectra).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from csearchd.library.vectors.table import VectorTable
from csearchd.scoring.confidence import ScoreCalibration
from csearchd.search.duplicates.spectra import ALIKE

CANDIDATE = 0.8  # the similarity of pictures whose pixels are compared, at least
_DIRECTIONS = 64  # that the bound uses
_COLUMNS = 16384  # of a block
_MAX_PAIRS = 1 << 18  # of a block
_SAMPLE = 4096  # pictures from which the directions are computed
_SMALL = 1e-5  # rounding error of float32

Vectors = NDArray[np.float32]
Contents = NDArray[np.int32]
Indexes = NDArray[np.intp]


class SimilarPairs:
    """The pairs of some contents, all of which have vectors, whose similarity is CANDIDATE or more,
    or whose spectra are alike."""

    def __init__(
        self,
        table: VectorTable,
        calibration: ScoreCalibration,
        contents: Contents,
        spectra: Vectors,
        check: Callable[[], object],
    ) -> None:
        """`spectra` (contents, length) is 0 where none is known. `check` is called regularly, and
        may raise to end the search."""
        self._table = table
        self._calibration = calibration
        self._contents = contents
        self._spectra = spectra
        self._check = check
        self._short = self._shortened()

    def _shortened(self) -> Vectors:
        """Coordinates of the centred vectors and the length of the rest, (contents, directions +
        1)."""
        contents = self._contents
        step = max(1, len(contents) // _SAMPLE)
        sample = self._centred(contents[::step])
        directions = np.linalg.eigh(sample.T @ sample)[1][:, ::-1][:, :_DIRECTIONS]
        short = np.empty((len(contents), directions.shape[1] + 1), np.float32)
        for start in range(0, len(contents), _COLUMNS):
            vectors = self._centred(contents[start : start + _COLUMNS])
            main = vectors @ directions
            short[start : start + _COLUMNS, :-1] = main
            rest = np.maximum((vectors**2).sum(axis=1) - (main**2).sum(axis=1), 0)
            short[start : start + _COLUMNS, -1] = np.sqrt(rest)
        return short

    def of(self, start: int, count: int, taken: NDArray[np.bool_]) -> Indexes | None:
        """The pairs of `count` contents from `start` on with later ones, as sorted indexes, (n, 2);
        without those that are `taken`. None if there are too many to tell, of more than one."""
        rows = start + np.flatnonzero(~taken[start : start + count])
        near = self._reaching(self._short, CANDIDATE - _SMALL, rows, taken)
        alike = self._reaching(self._spectra, ALIKE, rows, taken)
        if near is None or alike is None:
            return None
        found: Indexes = np.unique(np.concatenate([self._similar(near), alike]), axis=0)
        return found

    def _reaching(
        self, vectors: Vectors, limit: float, rows: Indexes, taken: NDArray[np.bool_]
    ) -> Indexes | None:
        """The pairs of a row and a later one whose product reaches `limit`, as `of` returns
        them."""
        found = [np.zeros((0, 2), np.intp)]
        total = 0
        for first in range(int(rows[0]) + 1 if len(rows) else len(taken), len(taken), _COLUMNS):
            self._check()
            bound = vectors[rows] @ vectors[first : first + _COLUMNS].T
            reached = (bound >= limit) & ~taken[first : first + _COLUMNS]
            total += int(np.count_nonzero(reached))
            if total > _MAX_PAIRS and len(rows) > 1:
                return None  # before they take memory
            row, column = np.nonzero(reached)
            pairs = np.stack([rows[row], column + first], axis=1)
            found.append(pairs[pairs[:, 1] > pairs[:, 0]])
        joined = np.concatenate(found)
        return joined[np.lexsort((joined[:, 1], joined[:, 0]))]

    def _similar(self, pairs: Indexes) -> Indexes:
        """Those of sorted pairs whose similarity reaches the limit."""
        return pairs[self._similarity(pairs) >= CANDIDATE]

    def nearness(self, pairs: Indexes) -> Vectors:
        """How near sorted pairs are, by their similarity or their spectra, (n,)."""
        spectral = (self._spectra[pairs[:, 0]] * self._spectra[pairs[:, 1]]).sum(axis=1)
        found: Vectors = np.maximum(self._similarity(pairs), spectral)
        return found

    def _similarity(self, pairs: Indexes) -> Vectors:
        found = np.zeros(len(pairs), np.float32)
        rows, starts = np.unique(pairs[:, 0], return_index=True)
        ends = np.append(starts, len(pairs))[1:]
        for row, start, end in zip(rows, starts, ends, strict=True):
            self._check()
            others = self._contents[pairs[start:end, 1]]
            one = self._centred(self._contents[row : row + 1])[0]
            found[start:end] = self._centred(others) @ one
        return found

    def _centred(self, contents: Contents) -> Vectors:
        return self._calibration.centred(self._table.vectors(contents))
