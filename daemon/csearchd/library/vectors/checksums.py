"""A checksum for each row of a code file (library.codes), fast enough to compare all at a start.

The bytes of a row are multiplied with numbers that a key decides, by the kernel of the scan: two
sums of 32 bits, exact. A single byte that is another always changes both; of rows that are other
altogether one in 2^36 would pass. What else is in a row is mixed in. A row of another file, which
has another key, doesn't pass.
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
    """Those of one file."""

    def __init__(self, key: str, dimensions: int) -> None:
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
        """The checksums of rows, (rows,); that of a free row, whose content is 0, is 0.

        Shapes: (rows,), (rows,), (rows, dimensions) and the same.
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
    """Other numbers, each for one, that share no pattern with these (splitmix64's last steps)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
