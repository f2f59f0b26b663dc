"""Finds the photo in a picture that is mostly something else: a screenshot, a page, a wide frame.

The background of such pictures has few colours, each of exactly equal pixels, which a photo hardly
has; letters or the like are on it; and the photo's edges are straight.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE = 256  # pixels of the longer side that are looked at
_CELL = 4  # of these pixels are a cell's side
_COMMON = 0.02  # of the pixels must have a colour that is a background's
_NEAR = 16  # of 255: a compressed background differs by so much beside letters
_PHOTO, _BACKGROUND = 0.85, 0.75  # least share of such pixels inside, and outside
_EDGES, _EDGE = 0.75, 0.5  # least share of such pixels along its edges, and along each of them
_GAP = 3  # cells around the photo that don't count as apart from it
_OTHERS = 0.01  # least share of the picture's cells that something else than the photo is in
_SMALLEST, _LARGEST = 0.02, 0.85  # share of the picture that the photo takes

Cells = NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, right, bottom


def photo_region(image: Image.Image) -> Box | None:
    """Where the photo in `image` is, in pixels; None if it has no other parts, or no photo.

    It is found to a 64th of the longer side.
    """
    scale = max(image.size) / _SIDE
    width, height = (max(1, round(side / scale)) for side in image.size)
    if min(width, height) < 4 * _CELL:
        return None
    small = image.resize((width, height), Image.Resampling.NEAREST).convert("RGB")
    cells = _photographic(np.asarray(small))
    if cells.mean() > _LARGEST:
        return None
    left, top, right, bottom = _densest(cells - 0.5)
    if not _is_photo(cells, (left, top, right, bottom)):
        return None
    step = _CELL * scale
    return (
        round(left * step),
        round(top * step),
        min(image.width, round(right * step)),
        min(image.height, round(bottom * step)),
    )


def _photographic(pixels: NDArray[np.uint8]) -> Cells:
    """For each cell the share of its pixels whose colour is no background's."""
    wide: NDArray[np.int32] = pixels.astype(np.int32)
    ordered = np.sort((wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2], axis=None)
    step = max(1, int(_COMMON * ordered.size))
    common = np.unique(ordered[:-step][ordered[:-step] == ordered[step:]])
    rare: NDArray[np.bool_] = np.ones(pixels.shape[:2], np.bool_)
    for colour in common.tolist():
        background = (colour >> 16, colour >> 8 & 255, colour & 255)
        away = [
            np.abs(wide[..., channel] - level) > _NEAR for channel, level in enumerate(background)
        ]
        rare &= away[0] | away[1] | away[2]
    rows, columns = rare.shape[0] // _CELL, rare.shape[1] // _CELL
    blocks = rare[: rows * _CELL, : columns * _CELL].reshape(rows, _CELL, columns, _CELL)
    cells: Cells = blocks.mean(axis=(1, 3), dtype=np.float32)
    return cells


def _densest(values: Cells) -> Box:
    """The rectangle with the largest sum, by Kadane's algorithm for all pairs of rows at once."""
    rows = np.pad(values.cumsum(axis=0), ((1, 0), (0, 0)))
    tops, bottoms = np.triu_indices(len(rows), 1)
    sums = rows[bottoms] - rows[tops]
    ending = np.zeros(len(sums), np.float32)  # the best sum that ends at this column
    start = np.zeros(len(sums), np.intp)
    best, found = 0.0, (0, 0, 0, 0)
    for column in range(values.shape[1]):
        fresh = ending <= 0
        start[fresh] = column
        ending = np.where(fresh, 0, ending) + sums[:, column]
        row = int(ending.argmax())
        if ending[row] > best:
            best = float(ending[row])
            found = (int(start[row]), int(tops[row]), column + 1, int(bottoms[row]))
    return found


def _is_photo(cells: Cells, box: Box) -> bool:
    left, top, right, bottom = box
    inside = cells[top:bottom, left:right]
    if not _SMALLEST <= inside.size / cells.size <= _LARGEST or min(inside.shape) < 3:
        return False
    rows, columns = cells.shape
    if (left == 0) + (top == 0) + (right == columns) + (bottom == rows) > 2:
        return False  # it has no background, but a sky
    outside = (cells.sum() - inside.sum()) / (cells.size - inside.size)
    edges = [edge.mean() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1])]
    return bool(
        inside.mean() >= _PHOTO
        and outside <= 1 - _BACKGROUND
        and sum(edges) / len(edges) >= _EDGES
        and min(edges) >= _EDGE
        and _has_others(cells, box)
    )


def _has_others(cells: Cells, box: Box) -> bool:
    """Whether there are letters and the like apart from the photo, as in no picture of an object
    on white."""
    left, top, right, bottom = box
    marked = cells > 0.1
    around = (max(0, top - _GAP), bottom + _GAP, max(0, left - _GAP), right + _GAP)
    marked[around[0] : around[1], around[2] : around[3]] = False
    return bool(marked.mean() >= _OTHERS)
