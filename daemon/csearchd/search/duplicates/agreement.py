"""Decides from the pixels of two overlaid signatures whether one picture is a copy of the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.signatures.form import SIDE, Signatures
from csearchd.search.duplicates import alignment
from csearchd.search.duplicates.alignment import Floats, Indexes, Overlays, Positions

_CELLS = 8  # of a side, which are compared one by one
_FAINT = 0.02  # variance of a cell's pixels, of that of all, from which on it shows something
_NOISE = 0.005  # the same, that compression may make
_AGREEING, _OPPOSED = 0.8, 0.4  # correlation of a cell's pixels
_DIFFERENT = 0.35  # of two pixels, in standard deviations of all


class Measures(NamedTuple):
    """What tells copies from what looks alike, each (n,)."""

    correlation: Floats  # of all pixels
    edges: Floats  # of their differences
    agreeing: Floats  # share of the cells that show something whose pixels agree
    opposed: Floats  # share of these that show something else
    typical: Floats  # the median agreement of these
    one_sided: Floats  # how far what is different is only brighter, or only darker: 0 to 1
    covered: Floats  # share of the smaller picture that the other one has
    stretch: Floats  # by which its longest direction is scaled more than its shortest
    detail: Floats  # share of the cells that show something
    scale: Floats  # of the smaller picture on the larger one, in each direction


def measures(signatures: Signatures, positions: Positions, overlays: Overlays) -> Measures:
    template, image, inside = overlays
    one, other, within = (_cells(part) for part in (template, image, inside.astype(np.float32)))
    flat = one - one.mean(axis=2, keepdims=True), other - other.mean(axis=2, keepdims=True)
    mine, theirs = ((part**2).mean(axis=2) for part in flat)
    both = (flat[0] * flat[1]).mean(axis=2)
    alike = (both + _NOISE) / np.sqrt((mine + _NOISE) * (theirs + _NOISE))
    shown = (within.min(axis=2) > 0) & (np.maximum(mine, theirs) >= _FAINT)
    cells = np.maximum(shown.sum(axis=1), 1)
    return Measures(
        correlation=alignment.correlation(overlays),
        edges=_edges(overlays),
        agreeing=((alike >= _AGREEING) & shown).sum(axis=1) / cells,
        opposed=((alike < _OPPOSED) & shown).sum(axis=1) / cells,
        typical=_median(alike, shown),
        one_sided=_one_sided(one, other, within * (alike >= _AGREEING)[..., None], within),
        covered=_covered(inside, positions),
        stretch=_stretch(signatures, positions),
        detail=shown.mean(axis=1),
        scale=_scale(positions),
    )


def _median(values: NDArray[Any], chosen: NDArray[np.bool_]) -> Floats:
    """Of the chosen ones of each row; 0 without any."""
    ordered = np.sort(np.where(chosen, values, np.inf), axis=1)
    middle = np.maximum(chosen.sum(axis=1) - 1, 0) // 2
    found = ordered[np.arange(len(values)), middle]
    return np.where(np.isfinite(found), found, 0)


def _one_sided(one: Floats, other: Floats, trusted: Floats, within: Floats) -> Floats:
    """How far the differences have one sign, once brightness and contrast are made the same by the
    pixels that are `trusted`; all (n, cells, pixels)."""
    one, other, trusted, within = (
        part.reshape(len(part), SIDE**2) for part in (one, other, trusted, within)
    )
    weight = np.maximum(trusted.sum(axis=1, keepdims=True), 1)
    means = [(part * trusted).sum(axis=1, keepdims=True) / weight for part in (one, other)]
    one = np.subtract(one, means[0], dtype=np.float32)
    other = np.subtract(other, means[1], dtype=np.float32)
    gain = (one * other * trusted).sum(axis=1, keepdims=True)
    gain /= (one**2 * trusted).sum(axis=1, keepdims=True) + 1e-6
    rest = (other - gain * one) * within
    rest = np.where(np.abs(rest) >= _DIFFERENT, rest, 0)
    found: Floats = np.abs(rest.sum(axis=1)) / np.maximum(np.abs(rest).sum(axis=1), 1e-6)
    return found


def _covered(inside: NDArray[np.bool_], positions: Positions) -> Floats:
    share = inside.mean(axis=(1, 2), dtype=np.float32)
    found: Floats = np.maximum(share, share * np.abs(np.linalg.det(positions.linear)))
    return found


def _scale(positions: Positions) -> Floats:
    scale = np.sqrt(np.maximum(np.abs(np.linalg.det(positions.linear)), 1e-6))
    found: Floats = np.minimum(scale, 1 / scale)
    return found


def _cells(pixels: Floats) -> Floats:
    """(n, cells, pixels of a cell)."""
    size = SIDE // _CELLS
    blocks = pixels.reshape(len(pixels), _CELLS, size, _CELLS, size)
    return blocks.transpose(0, 1, 3, 2, 4).reshape(len(pixels), _CELLS**2, size**2)


def _edges(overlays: Overlays) -> Floats:
    """The correlation of the differences of neighbours."""
    sums = []
    for axis in (1, 2):
        ahead, behind = np.arange(2, SIDE), np.arange(SIDE - 2)
        inside = np.take(overlays.inside, ahead, axis) & np.take(overlays.inside, behind, axis)
        one, other = (
            (np.take(part, ahead, axis) - np.take(part, behind, axis)) * inside
            for part in (overlays.template, overlays.image)
        )
        products = (one * other, one**2, other**2)
        sums.append([product.sum(axis=(1, 2)) for product in products])
    both, mine, theirs = np.sum(sums, axis=0)
    found: Floats = (both / np.sqrt(mine * theirs + 1e-9)).astype(np.float32)
    return found


def _stretch(signatures: Signatures, positions: Positions) -> Floats:
    """Of the map in pixels, or in shares of the pictures, which a change of shape leaves alone."""
    ratio = signatures.ratio
    upright = positions.turn // 2 % 2 == 0
    shape = np.where(upright, ratio[positions.template], 1 / ratio[positions.template])
    inside = positions.linear.copy()
    inside[:, 0] *= ratio[positions.image][:, None]
    inside[:, :, 0] /= shape[:, None]
    found = []
    for linear in (inside, positions.linear):
        values = np.linalg.svd(linear, compute_uv=False)
        found.append(values[:, 0] / np.maximum(values[:, 1], 1e-6))
    least: Floats = np.minimum(*found).astype(np.float32)
    return least


def likeness(signatures: Signatures, pairs: Indexes, check: Callable[[], object]) -> Floats:
    """How alike the pixels of `pairs` (n, 2) of signatures are, (n,): their correlation where one
    is a copy of the other, else 0."""
    found = np.zeros(len(pairs), np.float32)
    if not len(pairs):
        return found
    positions = alignment.candidates(signatures, pairs)
    if not len(positions.pair):
        return found
    positions, overlays = alignment.refined(signatures, positions, check)
    measured = measures(signatures, positions, overlays)
    same = are_copies(measured)
    found[positions.pair[same]] = np.minimum(measured.correlation[same], 1)
    return found


def are_copies(measured: Measures) -> NDArray[np.bool_]:
    """Whether the pixels agree nearly everywhere, or everywhere but for a mark put on them."""
    laid = (measured.covered >= 0.93) & (measured.stretch <= 1.08) & (measured.detail >= 0.1)
    # Of a small part the larger picture's signature has less detail.
    edges = np.interp(measured.scale, (0.55, 0.7, 0.95), (0.945, 0.96, 0.975))
    equal = (
        (measured.correlation >= 0.95)
        & (measured.edges >= edges)
        & (measured.agreeing >= 0.88)
        & (measured.opposed <= 0.03)
        & (measured.typical >= 0.95)
    )
    marked = (
        (measured.correlation >= 0.9)
        & (measured.edges >= 0.8)
        & (measured.opposed <= 0.2)
        & (measured.typical >= 0.97)
        & (measured.one_sided >= 0.85)
    )
    same: NDArray[np.bool_] = laid & (equal | marked)
    return same
