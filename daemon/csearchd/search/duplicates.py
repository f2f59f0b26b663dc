"""Finds near-duplicates: edited copies, other sizes, pictures of a burst.

The similarity of two pictures is the cosine of their centred vectors
(csearchd.scoring.confidence). To find all similar pairs, an upper bound of it is computed for all
pairs, in blocks: if a(x) are the coordinates of x along the directions in which pictures vary most,
and r(x) is the length of the rest, then x·y ≤ a(x)·a(y) + r(x) r(y). This is a product of short
vectors. Only pairs whose bound reaches the limit are compared in full, so that none is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from csearchd.library.metadata.photo_metadata import PhotoMetadata
from csearchd.library.vectors.table import VectorTable
from csearchd.scoring.confidence import NEAR_DUPLICATE, ScoreCalibration
from csearchd.search.request import Hit

BURST_SECONDS = 10  # at most between two pictures of a burst
_BURST = 0.8  # their similarity, at least
_DIRECTIONS = 64  # that the bound uses
_ROWS, _COLUMNS = 512, 16384  # of a block
_REACH = 8192  # later hits that a hit is compared with; near-duplicates have nearly equal scores
_MAX_PAIRS = 1 << 20  # of a block; one with more is made smaller
_SAMPLE = 4096  # pictures from which the directions are computed
_SMALL = 1e-5  # rounding error of float32

Vectors = NDArray[np.float32]
Contents = NDArray[np.int32]


def find_groups(
    table: VectorTable,
    calibration: ScoreCalibration,
    contents: Contents,
    check: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Contents, Vectors]]:
    """Yields groups of near-duplicates and their similarities to the first of the group.

    Each group has two or more of `contents`; the first is the one that comes earliest in it, the
    others follow by similarity. No content is in two groups. `check` is called regularly, and may
    raise to end the search.
    """
    contents = contents[table.has(contents)]
    short = _shortened(table, calibration, contents)
    taken = np.zeros(len(contents), np.bool_)
    start, size = 0, _ROWS
    while start < len(contents):
        rows = start + np.flatnonzero(~taken[start : start + size])
        pairs = _pairs(short, rows, taken, check)
        if len(pairs) > _MAX_PAIRS and len(rows) > 1:
            size = max(1, len(rows) // 8)  # few groups have most of these pairs
            continue
        for leader, similarity, others in _verified(table, calibration, contents, pairs):
            check()
            free = ~taken[others]
            if not taken[leader] and free.any():
                members = others[free]
                taken[members] = taken[leader] = True
                order = np.argsort(-similarity[free], kind="stable")
                yield (
                    contents[np.append(leader, members[order])],
                    np.append(np.float32(1), similarity[free][order]),
                )
        start, size = start + size, min(_ROWS, size * 2)


def _shortened(table: VectorTable, calibration: ScoreCalibration, contents: Contents) -> Vectors:
    """Coordinates of the centred vectors and the length of the rest, (contents, directions + 1)."""
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
    """Pairs of a row and a later column whose bound reaches the limit, sorted, (pairs, 2)."""
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
    """Yields for each row its similarities to the columns that reach the limit, and these."""
    for row in np.unique(pairs[:, 0]):
        others = pairs[np.searchsorted(pairs[:, 0], row) :, 1]
        others = others[: int(np.count_nonzero(pairs[:, 0] == row))]
        similarity = calibration.similarity(
            table.vectors(contents[row : row + 1]), table.vectors(contents[others])
        )[0]
        same = similarity >= NEAR_DUPLICATE
        yield int(row), similarity[same], others[same]


def group_hits(
    hits: Sequence[Hit], table: VectorTable, calibration: ScoreCalibration, metadata: PhotoMetadata
) -> list[list[Hit]]:
    """Groups hits: each group has a hit and the later hits that are nearly the same.

    These are files with the same content, near-duplicates, and pictures of a burst.
    """
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
    """Whether hits are nearly the same, (rows, hits), for the first _ROWS hits."""
    alike: NDArray[np.bool_] = contents[:_ROWS, None] == contents[None]
    seen = np.flatnonzero(table.has(contents))
    if len(seen):
        rows = seen[seen < _ROWS]
        vectors = table.vectors(contents[seen])
        similarity = calibration.similarity(vectors[: len(rows)], vectors)
        when, dated = _times(metadata, files[seen])
        together = np.abs(when[: len(rows), None] - when[None]) <= BURST_SECONDS * 1000
        together &= dated[: len(rows), None] & dated[None]
        alike[np.ix_(rows, seen)] |= similarity >= np.where(together, _BURST, NEAR_DUPLICATE)
    return alike


def _times(
    metadata: PhotoMetadata, files: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """When files were taken, in milliseconds since 1970, and whether that is known; both (files,).

    Nothing is known while metadata isn't loaded: after a start and after a failed transaction.
    """
    when, dated = metadata.timestamp, metadata.has_capture_time
    if not len(when):
        return np.zeros(len(files), np.int64), np.zeros(len(files), np.bool_)
    known = files < len(when)
    return when.take(files, mode="clip"), dated.take(files, mode="clip") & known
