"""Groups the results of a search, so that one picture stands for those that show the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.library.vectors.table import VectorTable
from csearchd.scoring.confidence import ScoreCalibration
from csearchd.search.duplicates.comparison import Comparison
from csearchd.search.duplicates.shots import BURST_SIMILARITY, Contents, Shots
from csearchd.search.duplicates.similar_pairs import CANDIDATE
from csearchd.search.duplicates.spectra import ALIKE
from csearchd.search.request import Hit

_FEWEST_ROWS, _ROWS = 8, 512  # of a block of results
_REACH = 8192  # later results that one is compared with; near-duplicates have nearly equal scores

# A result whose nearest ones are no copies mostly has none, and is quickly left alone.
_TRIES, _MOST = 3, 1000  # as of `Comparison`

Floats = NDArray[np.float32]


def group_hits(
    hits: Sequence[Hit],
    table: VectorTable,
    calibration: ScoreCalibration,
    library: Library,
    top: int,
    check: Callable[[], object] = lambda: None,
    named: bool = False,
) -> list[Hit]:
    """The first `top` hits for which no earlier one stands, each with the number of those that it
    stands for: files with the same content, near-duplicates, and pictures of a burst. `named`: and
    with their paths.

    Raises LibraryError.
    """
    held = np.array([hit.content for hit in hits], np.int32)
    files = np.array([hit.file for hit in hits], np.int64)
    shots = Shots(library.photo_metadata, files, held)
    comparison = Comparison(library, shots, check, _TRIES, _MOST)
    _, first, copies = np.unique(held, return_index=True, return_counts=True)
    order = np.argsort(first, kind="stable")
    first, copies = first[order], copies[order]
    contents = held[first]
    taken = np.zeros(len(contents), np.bool_)
    stands_for = np.zeros((len(contents), 2), np.int64)  # files, and those of them of a burst
    followers: dict[int, list[int]] = {}  # by their leader; both are rows of `contents`
    spectra = comparison.spectra(contents)
    size = max(_FEWEST_ROWS, min(top, _ROWS))
    for start in range(0, len(contents), size):
        check()
        if np.count_nonzero(~taken[:start] | stands_for[:start].any(axis=1)) >= top:
            break
        reach = contents[start : start + _REACH]
        similarity = _similarity(reach, size, table, calibration)
        burst = similarity >= BURST_SIMILARITY
        burst &= shots.together(reach[: len(burst), None], reach[None])
        spectral = spectra[start : start + len(burst)] @ spectra[start : start + _REACH].T
        maybe = burst | (spectral >= ALIKE) | (similarity >= CANDIDATE)
        pairs = np.argwhere(np.triu(maybe, 1))
        nearness = partial(_at, np.maximum(similarity, spectral))
        given = burst[pairs[:, 0], pairs[:, 1]]
        groups = comparison.groups(reach, pairs, taken[start:], nearness, given)
        for leader, members, _ in groups:
            counts = copies[start + members]
            shot = burst[leader, members]
            # Of one time: a copy, or a shot of the same second.
            one = np.repeat(reach[leader], len(members))
            unsure = shot & (shots.apart(one, reach[members]) == 0)
            shot[unsure] = comparison.likeness(one[unsure], reach[members[unsure]]) == 0
            stands_for[start + leader] = counts.sum(), counts[shot].sum()
            followers[start + leader] = (start + np.asarray(members)).tolist()
    leads = ~taken | stands_for.any(axis=1)
    stands_for[:, 0] += copies - 1
    chosen: list[int] = np.flatnonzero(leads)[:top].tolist()
    found = [
        hits[first[number]]._replace(
            similar=int(stands_for[number, 0]), burst=int(stands_for[number, 1])
        )
        for number in chosen
    ]
    if not named:
        return found
    by_content: dict[int, list[bytes]] = {}
    for hit in hits:
        by_content.setdefault(hit.content, []).append(hit.path)
    return [
        hit._replace(
            alike=[
                path
                for row in (number, *followers.get(number, ()))
                for path in by_content[int(contents[row])]
                if path != hit.path
            ]
        )
        for number, hit in zip(chosen, found, strict=True)
    ]


def _at(matrix: Floats, pairs: NDArray[np.intp]) -> Floats:
    found: Floats = matrix[pairs[:, 0], pairs[:, 1]]
    return found


def _similarity(
    contents: Contents, count: int, table: VectorTable, calibration: ScoreCalibration
) -> Floats:
    """Similarities of the first `count` contents to all of them; −1 where one has no vector."""
    found = np.full((min(count, len(contents)), len(contents)), -1, np.float32)
    seen = np.flatnonzero(table.has(contents))
    if len(seen):
        rows = seen[seen < len(found)]
        vectors = table.vectors(contents[seen])
        found[np.ix_(rows, seen)] = calibration.similarity(vectors[: len(rows)], vectors)
    return found
