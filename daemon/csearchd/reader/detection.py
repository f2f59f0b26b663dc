"""Finds lines of text in a picture: PP-OCRv6's detection network, and boxes from its map.

The network gives for each pixel how likely it lies in the inner part of a line of text
(Differentiable Binarization, Liao et al. 2020); a line's box is the smallest rectangle around such
a part, enlarged by what was cut off in training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from csearchd.models.onnx_session import open_model, session_options
from csearchd.reader.components import Points, components, smallest_rectangle

_STEP = 32  # pixels, of which the network takes multiples
_MIN_LIKELIHOOD = 0.3  # of a pixel
_MIN_MEAN = 0.5  # likelihood over a box
_UNCLIP = 1.6  # how far a box is enlarged: area divided by circumference, times this
_MIN_SIDE = 3  # pixels of the map
_TILE, _OVERLAP = 960, 64  # pixels of a side that are looked at at a time; multiples of _STEP
_SAME_LINE = 10  # pixels by which boxes in one line may differ in height


class Detector:
    """The detection network. Not thread-safe."""

    def __init__(self, path: str, threads: int) -> None:
        """Raises OSError, or what onnxruntime does, where the file at `path` can't be used."""
        self._session = open_model(path, session_options(threads))

    def look(self, picture: Image.Image, size: tuple[int, int]) -> NDArray[np.float32]:
        """The likelihood of text for each pixel of `picture`, an sRGB picture, at about `size`
        (width, height): (height, width).

        What is larger than the network's memory allows is looked at in tiles that overlap.
        """
        width, height = (max(_STEP, round(side / _STEP) * _STEP) for side in size)
        likelihood = np.empty((height, width), np.float32)
        for top, bottom, above, below in _tiles(height):
            for left, right, before, behind in _tiles(width):
                scale = picture.width / width, picture.height / height
                box = (left * scale[0], top * scale[1], right * scale[0], bottom * scale[1])
                tile = picture.resize(
                    (right - left, bottom - top), Image.Resampling.BILINEAR, box, 2.0
                )
                if _is_uniform(tile):
                    likelihood[above:below, before:behind] = 0
                    continue
                found = self._session.run(None, {"x": normalised(tile)[None]})[0][0, 0]
                inner = found[above - top : below - top, before - left : behind - left]
                likelihood[above:below, before:behind] = inner
        return likelihood


def _is_uniform(tile: Image.Image) -> bool:
    return len(tile.getcolors(1) or ()) == 1


def _tiles(length: int) -> Iterator[tuple[int, int, int, int]]:
    """For each tile of a side: where it begins and ends, and the part that is taken from it."""
    count = max(1, -(-(length - 2 * _OVERLAP) // (_TILE - 2 * _OVERLAP))) if length > _TILE else 1
    step = -(-length // (count * _STEP)) * _STEP
    for start in range(0, length, step):
        end = min(start + step, length)
        yield max(0, start - _OVERLAP), min(length, end + _OVERLAP), start, end


def normalised(picture: Image.Image) -> NDArray[np.float32]:
    """The pixels of an sRGB picture as the networks take them: blue, green and red from -1 to 1,
    (3, height, width).
    """
    pixels = np.asarray(picture, np.float32)[:, :, ::-1].transpose(2, 0, 1)
    return np.ascontiguousarray(pixels / 127.5 - 1)


def boxes(likelihood: NDArray[np.float32], size: tuple[int, int], most: int) -> list[Points]:
    """The corners (4, 2) of at most `most` lines of text, in reading order.

    `likelihood` is what `Detector.look` gives of a picture of `size` (width, height), in whose
    pixels the corners are. They go clockwise, from the one that is at the top left as it stands.
    """
    bitmap = likelihood > _MIN_LIKELIHOOD
    grown = bitmap.copy()
    grown[1:] |= bitmap[:-1]
    grown[:, 1:] |= bitmap[:, :-1]
    grown[1:, 1:] |= bitmap[:-1, :-1]
    height, width = likelihood.shape
    scale = np.array([size[0] / width, size[1] / height])
    found = []
    for points in components(grown, most):
        corners, wide, high = smallest_rectangle(points)
        if min(wide, high) < _MIN_SIDE or _mean(likelihood, corners) < _MIN_MEAN:
            continue
        distance = wide * high * _UNCLIP / (2 * (wide + high))
        corners = _enlarged(corners, distance)
        if min(wide, high) + 2 * distance < _MIN_SIDE + 2:
            continue
        box = np.clip(np.round(corners * scale), 0, np.array(size) - 1)
        box = _clockwise(box)
        if min(_length(box[0], box[1]), _length(box[0], box[3])) > _MIN_SIDE:
            found.append(box)
    return [found[number] for number in in_reading_order(found)]


def _mean(likelihood: NDArray[np.float32], corners: Points) -> float:
    """The mean over a box."""
    height, width = likelihood.shape
    left, top = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, (width - 1, height - 1))
    right, bottom = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, (width - 1, height - 1))
    mask = Image.new("1", (right - left + 1, bottom - top + 1))
    polygon = [(int(x - left), int(y - top)) for x, y in corners]
    ImageDraw.Draw(mask).polygon(polygon, fill=1, outline=1)
    inside = np.asarray(mask)
    return float(likelihood[top : bottom + 1, left : right + 1][inside].mean())


def _enlarged(corners: Points, distance: float) -> Points:
    """A rectangle with all sides moved outwards by `distance`."""
    along, across = corners[1] - corners[0], corners[3] - corners[0]
    along, across = (
        side / max(float(np.hypot(*side)), 1e-6) * distance for side in (along, across)
    )
    moved: Points = corners + np.array(
        [-along - across, along - across, along + across, across - along]
    )
    return moved


def _clockwise(corners: Points) -> Points:
    """Corners sorted: top left, top right, bottom right, bottom left."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = by_x[:2], by_x[2:]
    (a, d), (b, c) = (pair[np.argsort(pair[:, 1], kind="stable")] for pair in (left, right))
    return np.array([a, b, c, d])


def _length(start: Points, end: Points) -> float:
    return float(np.hypot(*(end - start)))


def in_reading_order(found: Sequence[Points]) -> list[int]:
    """The numbers of boxes from top to bottom, and in lines from left to right."""
    order = sorted(range(len(found)), key=lambda number: float(found[number][0, 1]))
    line, lines = 0, {}
    for before, number in zip([*order[:1], *order], order, strict=False):
        if found[number][0, 1] - found[before][0, 1] >= _SAME_LINE:
            line += 1
        lines[number] = line
    return sorted(order, key=lambda number: (lines[number], float(found[number][0, 0])))
