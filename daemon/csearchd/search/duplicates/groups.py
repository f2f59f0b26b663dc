"""Finds all groups of near-duplicates among many pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from csearchd.library.vectors.table import VectorTable
from csearchd.scoring.confidence import ScoreCalibration
from csearchd.search.duplicates.comparison import Comparison, Floats
from csearchd.search.duplicates.shots import Contents
from csearchd.search.duplicates.similar_pairs import SimilarPairs

_ROWS = 512  # whose pairs are looked for at once


def find_groups(
    table: VectorTable,
    calibration: ScoreCalibration,
    comparison: Comparison,
    contents: Contents,
    check: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Contents, Floats]]:
    """Yields groups of near-duplicates and their likeness to the first of the group.

    Each group has two or more of `contents`; the first is the one that comes earliest in it, the
    others follow by likeness. No content is in two groups. `check` is called regularly, and may
    raise to end the search. Raises LibraryError.
    """
    contents = contents[table.has(contents)]
    similar = SimilarPairs(table, calibration, contents, comparison.spectra(contents), check)
    taken = np.zeros(len(contents), np.bool_)
    start, size = 0, _ROWS
    while start < len(contents):
        pairs = similar.of(start, size, taken)
        if pairs is None:
            size = max(1, size // 8)  # few groups have most of these pairs
            continue
        for leader, members, likeness in comparison.groups(
            contents, pairs, taken, similar.nearness
        ):
            order = np.argsort(-likeness, kind="stable")
            yield (
                contents[np.append(leader, members[order])],
                np.append(np.float32(1), likeness[order]),
            )
        start, size = start + size, min(_ROWS, size * 2)
