"""What a signature has in common with all its turned and mirrored forms, for finding such copies.

A model's vectors of a picture and its turned copy differ. What stays the same is the strength of
the frequencies in it (discrete cosine transform), of which those across and down are added.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from csearchd.library.signatures.form import SIDE, Signatures

ALIKE = 0.97  # product of the spectra of pictures whose pixels are compared, at least
_FREQUENCIES = 9  # in each direction
_GRID = 12  # pixels of a side, to which a signature is reduced
_SLOPE, _LEVEL = -1.04, 0.94  # of the logarithms in photos, by that of the frequency
_FLOOR = 0.05  # of the mean strength, below which there is noise

Floats = NDArray[np.float32]

_ACROSS, _DOWN = (numbers[1:] for numbers in np.triu_indices(_FREQUENCIES))
_WAVES = np.cos(np.pi * np.arange(_FREQUENCIES)[:, None] * (np.arange(_GRID) + 0.5) / _GRID).astype(
    np.float32
)
_USUAL = (_SLOPE * np.log(np.hypot(_ACROSS, _DOWN)) + _LEVEL).astype(np.float32)
LENGTH = len(_USUAL)


def spectra(signatures: Signatures) -> Floats:
    """Spectra of unit length, (n, LENGTH): how much stronger than usual each frequency is."""
    block = SIDE // _GRID
    shape = (len(signatures.pixels), _GRID, block, _GRID, block)
    transformed = _WAVES @ signatures.pixels.reshape(shape).mean(axis=(2, 4)) @ _WAVES.T
    strength = np.hypot(transformed[:, _ACROSS, _DOWN], transformed[:, _DOWN, _ACROSS])
    mean = np.sqrt((strength**2).mean(axis=1, keepdims=True))
    unusual = np.log(strength / np.maximum(mean, 1e-3) + _FLOOR) - _USUAL
    found: Floats = unusual / np.linalg.norm(unusual, axis=1, keepdims=True)
    return found.astype(np.float32)
