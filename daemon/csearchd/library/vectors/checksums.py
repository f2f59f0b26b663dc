"""A checksum for each row of a code file, fast enough to verify all rows at every start.

numkong multiplies a row's bytes with two vectors of numbers that a key determines, which gives two
exact sums of 32 bits. Any change of a single byte changes both sums; an arbitrary other row has the
same sums with a probability of 2^-36. The row's content id and scale are mixed in. A row of another
file fails, since that file has another key.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numkong
import numpy as np
from numpy.typing import NDArray

_SUMS = 2

_Numbers = NDArray[np.uint64]


class Checksums:
    """The checksums of one code file."""

    def __init__(self, key: str, dimensions: int) -> None:
        """`key`: any text, which is stored with the file."""
        size = 2 * _SUMS * dimensions
        drawn = np.frombuffer(hashlib.shake_256(key.encode()).digest(size), np.int8)
        numbers: NDArray[np.int8] = np.where(drawn == 0, np.int8(1), drawn)
        high, low = numbers.reshape(2, _SUMS, dimensions)
        self._high = numkong.dots_pack(high, dtype="int8")
        self._low = numkong.dots_pack(low, dtype="int8")

    def of(
        self,
        contents: NDArray[np.int32],
        scale: NDArray[np.float32],
        high: NDArray[np.int8],
        low: NDArray[np.int8],
    ) -> _Numbers:
        """The checksums of rows, uint64 of shape (rows,); 0 for a free row, whose content is 0.

        Shapes: `contents` and `scale` (rows,), `high` and `low` (rows, dimensions).
        """
        sums = np.asarray(numkong.dots_packed(high, self._high), np.int64)
        sums = sums + np.asarray(numkong.dots_packed(low, self._low), np.int64)
        both = sums.astype(np.uint32).astype(np.uint64)
        rest = _joined(contents.view(np.uint32), scale.view(np.uint32))
        found = _mixed(rest) ^ _joined(both[:, 0], both[:, 1])
        found[contents == 0] = 0
        return found


def _joined(first: NDArray[Any], second: NDArray[Any]) -> _Numbers:
    return first.astype(np.uint64) << np.uint64(32) | second.astype(np.uint64)


def _mixed(numbers: _Numbers) -> _Numbers:
    """Mixes the bits of each number by a bijection: the last steps of splitmix64."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
