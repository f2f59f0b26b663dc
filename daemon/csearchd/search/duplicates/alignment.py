"""Finds where one signature lies in another: the whole of it turned, a part of it, or nearly so.

Pictures that look alike to a model may show different things. If one is a copy of the other, then
one of them, the template, can be laid on the other, the image, such that their pixels agree. First
positions are tried at low resolution: for whole pictures in eight orientations, for parts of them
at all places and sizes. Then the best are refined to an affine map by the Lucas-Kanade method
(inverse compositional: Baker and Matthews, 2004), with brightness and contrast left free.

Coordinates are of the unit square: a template's are relative to its centre.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.signatures.form import SIDE, Signatures

_COARSE = 12  # pixels of a side when positions are tried
_FINE = 24  # and when they are refined
_SIZES = (1.0, 0.92, 0.84, 0.76, 0.68, 0.6, 0.52)  # of parts, of the largest that has its shape
_STEP = 0.08  # between parts, of their size
_SHAPE_STEP = 0.06  # by whose multiples, logarithms of ratios are rounded
_MAX_SHAPE = math.log(3)  # between the shapes of a picture and a part of it
_IMAGES = 64  # whose parts are tried at once
_SURE = 0.97  # correlation of whole pictures, from which on no part is tried
_PROMISING = 0.8  # least correlation of a position that is refined
_FAR, _CLOSE = 0.7, 0.8  # the same, after one and two stages of refinement
_ROUNDS = 4  # of a stage
_RIDGE = 1e-3
_MAX_STEP = 0.1  # of a round, in each coordinate
_SMALL = 1e-4
_CHUNK = 256  # positions that are refined at once

Floats = NDArray[np.float32]
Indexes = NDArray[np.intp]


class Positions(NamedTuple):
    """Where templates lie in images, one position a row."""

    pair: Indexes  # of which pair
    image: Indexes  # of which signature
    template: Indexes
    turn: Indexes  # orientation of the template, 0 to 7 (`turned`)
    linear: Floats  # (n, 2, 2), maps (x, y)
    centre: Floats  # (n, 2), where the template's centre lies

    def of(self, chosen: Indexes | NDArray[np.bool_] | slice) -> Positions:
        every: list[Any] = [column[chosen] for column in self]
        return Positions(*every)

    @staticmethod
    def joined(parts: Sequence[Positions]) -> Positions:
        every: list[Any] = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
        return Positions(*every)


class Overlays(NamedTuple):
    """Pixels of templates and of the images there, with mean 0 and variance 1."""

    template: Floats  # (n, SIDE, SIDE)
    image: Floats
    inside: NDArray[np.bool_]  # where the image has pixels


def turned(pixels: Floats, turn: int) -> Floats:
    """Squares of pixels (…, side, side), mirrored if `turn` is odd, and by quarter turns."""
    if turn & 1:
        pixels = pixels[..., ::-1]
    return np.rot90(pixels, turn >> 1, axes=(-2, -1))


def candidates(signatures: Signatures, pairs: Indexes) -> Positions:
    """Promising positions for `pairs` (n, 2) of signatures."""
    coarse = _unit(_reduced(signatures.pixels, _COARSE).reshape(-1, _COARSE**2))
    positions, correlation = _whole(coarse, pairs)
    parts, correlations = _parts(signatures, coarse, pairs, correlation < _SURE)
    chosen = positions.of(correlation >= _PROMISING), parts.of(correlations >= _PROMISING)
    return Positions.joined(chosen)


def _whole(coarse: Floats, pairs: Indexes) -> tuple[Positions, Floats]:
    """The best orientation of each pair's second picture on the first."""
    squares = coarse.reshape(-1, _COARSE, _COARSE)
    first, second = pairs.T
    correlation = np.stack(
        [
            np.einsum("pij,pij->p", squares[first], turned(squares, turn)[second])
            for turn in range(8)
        ]
    )
    turn = correlation.argmax(axis=0)
    count = len(pairs)
    linear = np.broadcast_to(np.eye(2, dtype=np.float32), (count, 2, 2))
    centre = np.full((count, 2), 0.5, np.float32)
    positions = Positions(np.arange(count), first, second, turn, linear, centre)
    return positions, correlation.max(axis=0)


def _parts(
    signatures: Signatures, coarse: Floats, pairs: Indexes, searched: NDArray[np.bool_]
) -> tuple[Positions, Floats]:
    """The best part of each picture of a pair that is `searched` for the other one as a whole."""
    pair = np.tile(np.flatnonzero(searched), 2)
    image, template = np.concatenate([pairs[searched], pairs[searched][:, ::-1]]).T
    shape = np.log(signatures.ratio)
    unlike = np.rint((shape[image] - shape[template]) / _SHAPE_STEP).astype(int)
    correlation = np.zeros(len(pair), np.float32)
    box = np.zeros((len(pair), 4), np.float32)
    for step in np.unique(unlike).tolist():
        if abs(step) * _SHAPE_STEP > _MAX_SHAPE:
            continue
        windows = _windows(step)
        same = np.flatnonzero(unlike == step)
        same = same[np.argsort(image[same], kind="stable")]
        images, starts = np.unique(image[same], return_index=True)
        for first in range(0, len(images), _IMAGES):
            cut = _cut(signatures.pixels[images[first : first + _IMAGES]], windows)
            ends = [*starts[1:], len(same)][first : first + _IMAGES]
            for parts, start, end in zip(cut, starts[first : first + _IMAGES], ends, strict=True):
                its = same[start:end]
                scores = parts @ coarse[template[its]].T
                best = scores.argmax(axis=0)
                correlation[its] = scores[best, np.arange(len(its))]
                box[its] = windows.boxes[best]
    linear = np.zeros((len(pair), 2, 2), np.float32)
    linear[:, 0, 0], linear[:, 1, 1] = box[:, 2], box[:, 3]
    turn = np.zeros(len(pair), np.intp)
    centre: Floats = box[:, :2] + box[:, 2:] / np.float32(2)
    return Positions(pair, image, template, turn, linear, centre), correlation


class _Windows(NamedTuple):
    """Parts of one shape: (rows, columns) operators for each size, which give their pixels."""

    operators: list[tuple[Floats, Floats]]
    boxes: Floats  # (parts, 4): left, top, width, height


@lru_cache(maxsize=64)
def _windows(unlike: int) -> _Windows:
    """Parts whose shape differs from the picture's by `unlike` steps."""
    half = math.exp(unlike * _SHAPE_STEP / 2)
    largest = min(half, 1 / half)
    operators, boxes = [], []
    for size in _SIZES:
        width, height = size * largest / half, size * largest * half
        if min(width, height) > 0.97:
            continue  # that is the whole picture
        left, top = _starts(width), _starts(height)
        operators.append((_averaging(top, height), _averaging(left, width)))
        boxes += [(x, y, width, height) for y in top for x in left]
    return _Windows(operators, np.array(boxes, np.float32).reshape(-1, 4))


def _starts(size: float) -> list[float]:
    room = max(0.0, 1 - size)
    count = math.ceil(room / (_STEP * size)) + 1 if room > 0.01 else 1
    return [float(start) for start in np.linspace(0, room, count)]


def _averaging(starts: list[float], size: float) -> Floats:
    """Averages a picture's rows over the cells of parts: (parts · _COARSE, SIDE)."""
    edges = (np.array(starts)[:, None] + np.arange(_COARSE) / _COARSE * size).ravel() * SIDE
    width = size / _COARSE * SIDE
    pixels = np.arange(SIDE)
    shared = np.minimum(edges[:, None] + width, pixels + 1) - np.maximum(edges[:, None], pixels)
    weights = np.maximum(shared, 0)
    found: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return found


def _cut(pixels: Floats, windows: _Windows) -> Floats:
    """The parts of pictures, of mean 0 and unit length, (n, parts, _COARSE²)."""
    cut: list[Floats] = []
    for rows, columns in windows.operators:
        down, across = len(rows) // _COARSE, len(columns) // _COARSE
        both: Floats = np.matmul(rows @ pixels, columns.T, dtype=np.float32)
        both = both.reshape(-1, down, _COARSE, across, _COARSE).transpose(0, 1, 3, 2, 4)
        cut.append(both.reshape(len(pixels), -1, _COARSE**2))
    joined: Floats = np.concatenate(cut, axis=1)
    return _unit(joined.reshape(-1, _COARSE**2)).reshape(joined.shape)


def refined(
    signatures: Signatures, positions: Positions, check: Callable[[], object]
) -> tuple[Positions, Overlays]:
    """The closest position of each pair, refined, and the pixels there; none for those that are
    far from any."""
    images = np.stack([_blurred(signatures.pixels, weight) for _, weight in _BLURS])
    positions, overlays = _refine_all(images, positions, _FINE, check)
    positions = positions.of(correlation(overlays) >= _FAR)
    positions, overlays = _refine_all(images, positions, _FINE, check)
    close = correlation(overlays)
    order = np.lexsort((-close, positions.pair))
    best = order[np.unique(positions.pair[order], return_index=True)[1]]
    return _refine_all(images, positions.of(best[close[best] >= _CLOSE]), SIDE, check)


def _refine_all(
    images: Floats, positions: Positions, side: int, check: Callable[[], object]
) -> tuple[Positions, Overlays]:
    """Refines positions some at a time, since each takes 100 KB."""
    found = []
    for start in range(0, max(1, len(positions.pair)), _CHUNK):
        check()
        some = positions.of(slice(start, start + _CHUNK))
        found.append(_refine(images, some, side))
    return (
        Positions.joined([one for one, _ in found]),
        Overlays(*map(np.concatenate, zip(*(one for _, one in found), strict=True))),
    )


# A smaller part of an image has less detail than the template: from which scale on the image, and
# how much the neighbours of a pixel count.
_BLURS = ((0.0, 0.0), (0.6, 1 / 8), (0.85, 1 / 4))


def _refine(images: Floats, positions: Positions, side: int) -> tuple[Positions, Overlays]:
    """Refines positions with templates of `side` pixels. `images`: (blurs, n, SIDE, SIDE)."""
    template = _templates(images, positions, side)
    gradient_y, gradient_x = np.gradient(template, 1 / side, axis=(1, 2))
    grid = _grid(side)
    count = len(template)
    flat = template.reshape(count, side**2)
    along = [gradient.reshape(count, side**2, 1) for gradient in (gradient_x, gradient_y)]
    steepest = np.concatenate(
        [part for one in along for part in (one * grid[:, :1], one * grid[:, 1:], one)], axis=2
    )
    hessian = steepest.transpose(0, 2, 1) @ steepest
    strength = np.trace(hessian, axis1=1, axis2=2) / 6
    hessian += (strength * _RIDGE + _SMALL)[:, None, None] * np.eye(6, dtype=np.float32)
    inverse = np.linalg.inv(hessian)
    linear, centre = positions.linear.copy(), positions.centre.copy()
    for _ in range(_ROUNDS):
        image, inside = _sampled(images, positions.image, linear, centre, grid)
        error = (_normal(image, inside) - _normal(flat, inside)) * inside
        step = (inverse @ (steepest.transpose(0, 2, 1) @ error[..., None]))[..., 0]
        step *= (_MAX_STEP / np.maximum(np.abs(step).max(axis=1), _MAX_STEP))[:, None]
        undone = np.linalg.inv(
            np.eye(2, dtype=np.float32) + step[:, [0, 1, 3, 4]].reshape(count, 2, 2)
        )
        linear = linear @ undone
        centre = centre - (linear @ step[:, [2, 5], None])[..., 0]
    image, inside = _sampled(images, positions.image, linear, centre, grid)
    shown = (count, side, side)
    overlays = Overlays(
        _normal(flat, inside).reshape(shown),
        _normal(image, inside).reshape(shown),
        inside.reshape(shown),
    )
    return positions._replace(linear=linear, centre=centre), overlays


def _templates(images: Floats, positions: Positions, side: int) -> Floats:
    """The templates of positions, of mean 0 and variance 1: (n, side, side)."""
    blur = len(_BLURS) - 1 if side == SIDE else 0  # a reduced one is blurred by that
    found = np.empty((len(positions.pair), side, side), np.float32)
    for turn in np.unique(positions.turn):
        chosen = positions.turn == turn
        pixels = turned(images[blur, positions.template[chosen]], int(turn))
        found[chosen] = _reduced(pixels, side)
    flat = found.reshape(len(found), side**2)
    return _normal(flat, np.ones(flat.shape, np.bool_)).reshape(found.shape)


def _sampled(
    images: Floats, number: Indexes, linear: Floats, centre: Floats, grid: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """Pixels of images where the points of a template's grid lie, and which of them are inside;
    both (n, points)."""
    scale = np.sqrt(np.abs(np.linalg.det(linear)))
    blur = np.searchsorted([least for least, _ in _BLURS], scale, "right") - 1
    start = (np.maximum(blur, 0) * images.shape[1] + number) * SIDE**2
    points = (grid @ linear.transpose(0, 2, 1) + centre[:, None]) * SIDE - 0.5
    within: NDArray[np.bool_] = (points > -0.25) & (points < SIDE - 0.75)
    inside: NDArray[np.bool_] = np.logical_and(within[..., 0], within[..., 1])
    points = np.clip(points, 0, SIDE - 1.001, dtype=np.float32)
    corner = np.floor(points)
    right, below = np.ascontiguousarray((points - corner).transpose(2, 0, 1))
    index = (corner[..., 1] * SIDE + corner[..., 0]).astype(np.int32)
    index += start.astype(np.int32)[:, None]
    pixels = images.reshape(-1)
    upper = pixels[index] * (1 - right) + pixels[index + 1] * right
    lower = pixels[index + SIDE] * (1 - right) + pixels[index + SIDE + 1] * right
    found: Floats = upper * (1 - below) + lower * below
    return found, inside


@lru_cache(maxsize=4)
def _grid(side: int) -> Floats:
    """The points of a template, relative to its centre: (side², 2), x and y."""
    axis = ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)
    return np.stack([np.tile(axis, side), np.repeat(axis, side)], axis=1)


def _reduced(pixels: Floats, side: int) -> Floats:
    """Squares (n, height, width) averaged in blocks to (n, side, side)."""
    block = pixels.shape[1] // side
    means: Floats = pixels.reshape(len(pixels), side, block, side, block).mean(axis=(2, 4))
    return means


def _blurred(pixels: Floats, weight: float) -> Floats:
    """Squares whose pixels have taken `weight` of each of their neighbours in both directions."""
    for axis in (1, 2):
        widths = [(1, 1) if one == axis else (0, 0) for one in range(3)]
        padded = np.pad(pixels, widths, "edge")
        before = np.take(padded, np.arange(SIDE), axis)
        after = np.take(padded, np.arange(2, SIDE + 2), axis)
        pixels = pixels * np.float32(1 - 2 * weight) + (before + after) * np.float32(weight)
    return pixels


def _normal(values: Floats, inside: NDArray[np.bool_]) -> Floats:
    """Values (n, points) such that those inside have mean 0 and variance 1, of what isn't flat."""
    count = np.maximum(inside.sum(axis=1, keepdims=True), 1).astype(np.float32)
    mean = (values * inside).sum(axis=1, keepdims=True) / count
    values = np.subtract(values, mean, dtype=np.float32)
    spread = np.sqrt((values**2 * inside).sum(axis=1, keepdims=True) / count)
    found: Floats = np.divide(values, np.maximum(spread, _SMALL), dtype=np.float32)
    return found


def _unit(values: Floats) -> Floats:
    """Values (n, points) of mean 0 and unit length, of what isn't flat."""
    values = np.subtract(values, values.mean(axis=1, keepdims=True), dtype=np.float32)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    found: Floats = np.divide(values, np.maximum(length, _SMALL), dtype=np.float32)
    return found


def correlation(overlays: Overlays) -> Floats:
    """The correlation of the pixels of overlays, (n,)."""
    inside = overlays.inside
    total = (overlays.template * overlays.image * inside).sum(axis=(1, 2))
    found: Floats = np.divide(total, np.maximum(inside.sum(axis=(1, 2)), 1), dtype=np.float32)
    return found
