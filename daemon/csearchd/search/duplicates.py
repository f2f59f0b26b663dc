"""Pictures that are nearly the same: edited copies, other sizes, bursts.

How alike two are is the cosine of their vectors less the centre of pictures in general. All pairs
are compared, in blocks, by a bound: with the coordinates of the directions in which pictures differ
most (a) and the length of the rest (r), x·y ≤ a(x)·a(y) + r(x) r(y). That is a product of short
vectors, and only pairs whose bound reaches the limit are compared in full: nothing is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from csearchd.library.metadata.photo_metadata import PhotoMetadata
from csearchd.library.vectors.table import VectorTable
from csearchd.scoring.confidence import NEAR_DUPLICATE, ScoreCalibration
from csearchd.search.request import Hit

BURST_SECONDS = 10  # between pictures of one
_BURST = 0.8  # likeness from which they are of one
_DIRECTIONS = 64
_ROWS, _COLUMNS = 512, 16384  # of a block
_REACH = 8192  # hits with which one before them is compared: the nearly same score nearly the same
_PAIRS = 1 << 20  # that are looked at together; a block with more is cut
_SAMPLE = 4096  # pictures that tell the directions
_SMALL = 1e-5  # what float32 may be wrong by

Vectors = NDArray[np.float32]
Contents = NDArray[np.int32]


def find_groups(
    table: VectorTable,
    calibration: ScoreCalibration,
    contents: Contents,
    check: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Contents, Vectors]]:
    """Groups of two and more of `contents` that are nearly the same, and how alike each is to the
    first, which comes earliest in `contents`. None is in two groups. `check` is called now and
    then, and ends this by what it raises."""
    contents = contents[table.has(contents)]
    short = _shortened(table, calibration, contents)
    taken = np.zeros(len(contents), np.bool_)
    start, size = 0, _ROWS
    while start < len(contents):
        rows = start + np.flatnonzero(~taken[start : start + size])
        pairs = _pairs(short, rows, taken, check)
        if len(pairs) > _PAIRS and len(rows) > 1:
            size = max(1, len(rows) // 8)  # most of these pairs are within few groups
            continue
        for leader, likeness, others in _verified(table, calibration, contents, pairs):
            check()
            free = ~taken[others]
            if not taken[leader] and free.any():
                members = others[free]
                taken[members] = taken[leader] = True
                order = np.argsort(-likeness[free], kind="stable")
                yield (
                    contents[np.append(leader, members[order])],
                    np.append(np.float32(1), likeness[free][order]),
                )
        start, size = start + size, min(_ROWS, size * 2)


def _shortened(table: VectorTable, calibration: ScoreCalibration, contents: Contents) -> Vectors:
    """Coordinates and the length of the rest, (contents, directions + 1)."""
    step = max(1, len(contents) // _SAMPLE)
    sample = calibration.centred(table.vectors(contents[::step]))
    directions = np.linalg.eigh(sample.T @ sample)[1][:, ::-1][:, :_DIRECTIONS]
    short = np.empty((len(contents), directions.shape[1] + 1), np.float32)
    for start in range(0, len(contents), _COLUMNS):
        vectors = calibration.centred(table.vectors(contents[start : start + _COLUMNS]))
        main = vectors @ directions
        short[start : start + _COLUMNS, :-1] = main
        rest = np.maximum((vectors**2).sum(axis=1) - (main**2).sum(axis=1), 0)
        short[start : start + _COLUMNS, -1] = np.sqrt(rest)
    return short


def _pairs(
    short: Vectors,
    rows: NDArray[np.intp],
    taken: NDArray[np.bool_],
    check: Callable[[], object],
) -> NDArray[np.intp]:
    """Pairs (row, later column) whose bound reaches the limit, in order, (n, 2)."""
    found = [np.zeros((0, 2), np.intp)]
    if not len(rows):
        return found[0]
    for start in range(int(rows[0]) + 1, len(short), _COLUMNS):
        check()
        bound = short[rows] @ short[start : start + _COLUMNS].T
        if bound.max(initial=0) < NEAR_DUPLICATE - _SMALL:
            continue
        row, column = np.nonzero(bound >= NEAR_DUPLICATE - _SMALL)
        pairs = np.stack([rows[row], column + start], axis=1)
        found.append(pairs[(pairs[:, 1] > pairs[:, 0]) & ~taken[pairs[:, 1]]])
    joined = np.concatenate(found)
    return joined[np.lexsort((joined[:, 1], joined[:, 0]))]


def _verified(
    table: VectorTable, calibration: ScoreCalibration, contents: Contents, pairs: NDArray[np.intp]
) -> Iterator[tuple[int, Vectors, NDArray[np.intp]]]:
    """For each first of the pairs how alike the others are that really are like it, and these."""
    for row in np.unique(pairs[:, 0]):
        others = pairs[np.searchsorted(pairs[:, 0], row) :, 1]
        others = others[: int(np.count_nonzero(pairs[:, 0] == row))]
        likeness = calibration.likeness(
            table.vectors(contents[row : row + 1]), table.vectors(contents[others])
        )[0]
        same = likeness >= NEAR_DUPLICATE
        yield int(row), likeness[same], others[same]


def group_hits(
    hits: Sequence[Hit], table: VectorTable, calibration: ScoreCalibration, metadata: PhotoMetadata
) -> list[list[Hit]]:
    """Hits in their order, each with those after it that are nearly the same: the same pixels, near
    duplicates, and what was taken in the same few seconds and looks alike."""
    contents = np.array([hit.content for hit in hits], np.int32)
    files = np.array([hit.file for hit in hits], np.int64)
    found: list[list[Hit]] = []
    taken = np.zeros(len(hits), np.bool_)
    for start in range(0, len(hits), _ROWS):
        reach = slice(start, start + _REACH)
        alike = _alike(contents[reach], files[reach], table, calibration, metadata)
        for row, number in enumerate(range(start, min(start + _ROWS, len(hits)))):
            if not taken[number]:
                members = start + np.flatnonzero(alike[row] & ~taken[reach])
                taken[members] = True
                others = (hits[one] for one in members.tolist() if one != number)
                found.append([hits[number], *others])
    return found


def _alike(
    contents: Contents,
    files: NDArray[np.int64],
    table: VectorTable,
    calibration: ScoreCalibration,
    metadata: PhotoMetadata,
) -> NDArray[np.bool_]:
    """Which hits are nearly the same, (up to _ROWS, hits)."""
    alike: NDArray[np.bool_] = contents[:_ROWS, None] == contents[None]
    seen = np.flatnonzero(table.has(contents))
    if len(seen):
        rows = seen[seen < _ROWS]
        vectors = table.vectors(contents[seen])
        likeness = calibration.likeness(vectors[: len(rows)], vectors)
        when, dated = _times(metadata, files[seen])
        together = np.abs(when[: len(rows), None] - when[None]) <= BURST_SECONDS
        together &= dated[: len(rows), None] & dated[None]
        alike[np.ix_(rows, seen)] |= likeness >= np.where(together, _BURST, NEAR_DUPLICATE)
    return alike


def _times(
    metadata: PhotoMetadata, files: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """When files were taken (seconds since 1970), and whether that is known. Both are 0 until the
    metadata is loaded (after a start, and after a transaction that failed)."""
    when, dated = metadata.timestamp, metadata.has_capture_time
    if not len(when):
        return np.zeros(len(files), np.int64), np.zeros(len(files), np.bool_)
    known = files < len(when)
    return when.take(files, mode="clip"), dated.take(files, mode="clip") & known
