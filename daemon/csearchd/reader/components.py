"""Connected parts of a bitmap, and the smallest rectangles around them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Points x, y: (number, 2)."""


def components(bitmap: NDArray[np.bool_], most: int) -> Iterator[Points]:
    """The ends of the rows of each part of `bitmap`, whose pixels touch, also by their corners.

    The `most` largest parts come, in the order of their first rows.
    """
    height, width = bitmap.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = bitmap
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1] - 1
    if not len(rows):
        return
    labels = _labels(rows, starts, ends, width)
    order = np.argsort(labels, kind="stable")
    firsts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    areas = np.add.reduceat((ends - starts + 1)[order], firsts)
    lasts = np.append(firsts[1:], len(order))
    for part in sorted(np.argsort(-areas, kind="stable")[:most]):
        runs = order[firsts[part] : lasts[part]]
        y = rows[runs]
        yield np.concatenate(
            [np.stack([starts[runs], y], axis=1), np.stack([ends[runs], y], axis=1)]
        ).astype(np.float64)


def _labels(
    rows: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64], width: int
) -> NDArray[np.int64]:
    """For each run of pixels the number of the first run of its part.

    The runs are sorted by row and start.
    """
    # In one sequence over all rows, the runs above that touch a run are neighbours.
    stride = width + 2
    first = np.searchsorted(rows * stride + ends, (rows - 1) * stride + starts - 1, side="left")
    behind = np.searchsorted(rows * stride + starts, (rows - 1) * stride + ends + 1, side="right")
    counts = np.maximum(behind - first, 0)
    below = np.repeat(np.arange(len(rows)), counts)
    offsets = np.arange(len(below)) - np.repeat(np.cumsum(counts) - counts, counts)
    above = np.repeat(first, counts) + offsets
    labels = np.arange(len(rows))
    while True:  # each round at least halves the number of labels that differ from their least
        before = labels.copy()
        least = np.minimum(labels[below], labels[above])
        np.minimum.at(labels, labels[below], least)
        np.minimum.at(labels, labels[above], least)
        labels = labels[labels]
        if (labels == before).all():
            return labels


def smallest_rectangle(points: Points) -> tuple[Points, float, float]:
    """The corners (4, 2), in order round it, of the smallest rectangle around `points`, and its
    two sides, of which the first lies between the first two corners.
    """
    hull = _hull(points)
    edges = np.roll(hull, -1, axis=0) - hull
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    kept = lengths > 0
    along = edges[kept] / lengths[kept, None] if kept.any() else np.array([[1.0, 0.0]])
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    u, v = along @ hull.T, across @ hull.T
    wide, high = np.ptp(u, axis=1), np.ptp(v, axis=1)
    best = int(np.argmin(wide * high))
    a, b = along[best], across[best]
    left, right = u[best].min(), u[best].max()
    top, bottom = v[best].min(), v[best].max()
    corners = [
        left * a + top * b,
        right * a + top * b,
        right * a + bottom * b,
        left * a + bottom * b,
    ]
    return np.array(corners), float(wide[best]), float(high[best])


def _hull(points: Points) -> Points:
    """The convex hull (Andrew's monotone chain)."""
    ordered = np.unique(points, axis=0)
    if len(ordered) < 3:
        return ordered
    # Of the points with the same y only the outermost matter; `components` gives few.
    plain: list[tuple[float, float]] = [(float(x), float(y)) for x, y in ordered]
    return np.array(_half(plain) + _half(plain[::-1]))


def _half(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The lower half of the hull of sorted points, without its last point."""
    chain: list[tuple[float, float]] = []
    for x, y in points:
        while len(chain) > 1:
            (ax, ay), (bx, by) = chain[-2:]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                break
            chain.pop()
        chain.append((x, y))
    return chain[:-1]
