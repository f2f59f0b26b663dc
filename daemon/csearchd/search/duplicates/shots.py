"""When pictures were taken: shots of one burst, and copies, which have one time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from csearchd.library.metadata import times
from csearchd.library.metadata.photo_metadata import PhotoMetadata
from csearchd.library.vectors.table import VectorTable
from csearchd.scoring.confidence import ScoreCalibration

BURST_SECONDS = 10  # at most between two pictures of a burst
BURST_SIMILARITY = 0.8  # at least
_OTHER_SHOT_SECONDS = 600  # a copy's time may have been corrected, which is by more
_CHUNK = 4096  # pictures that are compared at once

Contents = NDArray[np.int32]
Milliseconds = NDArray[np.int64]


class Shots:
    """When contents were taken, as far as that is known to the second and beyond doubt."""

    def __init__(
        self, metadata: PhotoMetadata, files: NDArray[np.int64], contents: Contents
    ) -> None:
        """`contents` are those of `files` (ids), both (n,).

        Nothing is known while metadata isn't loaded: after a start and after a failed transaction.
        """
        taken, known = metadata.exact_times(files)
        self._taken = np.full(int(contents.max(initial=0)) + 1, times.UNKNOWN, np.int64)
        self._taken[contents[known]] = taken[known]

    def apart(self, first: Contents, second: Contents) -> Milliseconds:
        """Milliseconds between contents, whose shapes are broadcast; −1 where it isn't known."""
        one, other = self._taken[first], self._taken[second]
        known = (one != times.UNKNOWN) & (other != times.UNKNOWN)
        return np.where(known, np.abs(one - other), -1)

    def may_be_copies(self, first: Contents, second: Contents) -> NDArray[np.bool_]:
        """False for shots taken one after the other."""
        apart = self.apart(first, second)
        return (apart <= 0) | (apart > _OTHER_SHOT_SECONDS * 1000)

    def together(self, first: Contents, second: Contents) -> NDArray[np.bool_]:
        """Whether contents were taken within the time of a burst."""
        apart = self.apart(first, second)
        return (apart >= 0) & (apart <= BURST_SECONDS * 1000)

    def bursts(
        self, table: VectorTable, calibration: ScoreCalibration, contents: Contents
    ) -> Iterator[Contents]:
        """Yields the bursts among `contents`, each in the order of time.

        Each picture looks like the one before it.
        """
        contents = contents[table.has(contents) & (self._taken[contents] != times.UNKNOWN)]
        contents = contents[np.lexsort((contents, self._taken[contents]))]
        linked = np.zeros(len(contents), np.bool_)  # to the one before
        linked[1:] = self.together(contents[:-1], contents[1:])
        seconds = np.flatnonzero(linked)
        for start in range(0, len(seconds), _CHUNK):
            some = seconds[start : start + _CHUNK]
            one = calibration.centred(table.vectors(contents[some - 1]))
            other = calibration.centred(table.vectors(contents[some]))
            linked[some] = (one * other).sum(axis=1) >= BURST_SIMILARITY
        for burst in np.split(contents, np.flatnonzero(~linked)):
            if len(burst) > 1:
                yield burst
