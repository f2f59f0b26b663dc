"""The stored form of a signature: the brightness of a picture on a small grid, and its shape.

The grid is square whatever the picture's shape is.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIDE = 48  # pixels of the grid
_VERSION = 1  # of the form; a change makes all anew, by a migration that sets contents.signed to 0
_HEAD = struct.Struct("<Bf")  # version; width of the picture by its height


class Signatures(NamedTuple):
    """Some signatures. `pixels`: float32 (n, SIDE, SIDE), brightness 0 to 255; `ratio`: (n,)."""

    pixels: NDArray[np.float32]
    ratio: NDArray[np.float32]


def packed(brightness: bytes, ratio: float) -> bytes:
    """`brightness`: SIDE² values, row by row."""
    return _HEAD.pack(_VERSION, ratio) + brightness


def unpacked(stored: Sequence[bytes]) -> Signatures:
    """Signatures, each of which `is_sound`."""
    joined = np.frombuffer(b"".join(stored), np.uint8).reshape(len(stored), _HEAD.size + SIDE**2)
    ratio: NDArray[np.float32] = np.ascontiguousarray(joined[:, 1 : _HEAD.size]).view("<f4")[:, 0]
    pixels = joined[:, _HEAD.size :].reshape(-1, SIDE, SIDE).astype(np.float32)
    return Signatures(pixels, ratio)


def is_sound(stored: object) -> bool:
    """Whether a value of the database is a signature of the present form."""
    if not isinstance(stored, bytes) or len(stored) != _HEAD.size + SIDE**2:
        return False
    version, ratio = _HEAD.unpack_from(stored)
    return version == _VERSION and bool(1e-6 < ratio < 1e6)
