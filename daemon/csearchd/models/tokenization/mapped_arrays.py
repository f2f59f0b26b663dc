"""A file of named arrays and a description of them, which is mapped and not loaded.

A vocabulary of 256,000 pieces takes 93 MB in the `tokenizers` library and 43 MB in sentencepiece.
Mapped, it takes the pages that the texts so far have touched.

The file is a line of JSON (the description, and each array's type, offset and length in bytes),
filled with blanks, then the arrays, each aligned to 8 bytes, in the byte order of the machine.
"""

from __future__ import annotations

import json
import mmap
import os
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_FORMAT = "csearch vocabulary 1"
_ALIGNMENT = 8
_HEADER_LIMIT = 1 << 24  # bytes
_TYPES = {"uint32": "I", "int32": "i", "float64": "d"}

Array = memoryview
"""Of integers or floats."""


def write_arrays(
    path: str, description: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
) -> None:
    """Writes `arrays`, one-dimensional and of _TYPES. Raises OSError."""
    layout = {}
    offset = 0
    for name, array in arrays.items():
        layout[name] = {"type": array.dtype.name, "offset": offset, "bytes": array.nbytes}
        offset += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    header = json.dumps({"format": _FORMAT, **description, "arrays": layout}).encode()
    with open(path, "wb") as file:
        file.write(header + b" " * (-(len(header) + 1) % _ALIGNMENT) + b"\n")
        for array in arrays.values():
            file.write(array.tobytes() + b"\0" * (-array.nbytes % _ALIGNMENT))


def map_arrays(path: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """The description and the arrays in the file at `path`. Raises OSError, or ValueError if it
    isn't such a file or has been cut."""
    with open(path, "rb") as file:
        header = file.readline(_HEADER_LIMIT)
        size = os.fstat(file.fileno()).st_size
        try:
            description = json.loads(header)
            if description["format"] != _FORMAT:
                raise ValueError("it has another format")
            layout = description.pop("arrays")
            content = memoryview(mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ))
            arrays = {name: _array(content, len(header), **where) for name, where in layout.items()}
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is not a vocabulary: {error}") from None
    return description, arrays


class Table:
    """Rows of sorted numbers, one behind the other in one array."""

    def __init__(self, starts: Array, entries: Array) -> None:
        self.starts = starts  # of each row, and the end of the last one
        self.entries = entries

    def find(self, row: int, entry: int) -> int | None:
        """The index among all entries of the one that is `entry` in the row `row`."""
        start, end = self.starts[row], self.starts[row + 1]
        index = bisect_left(self.entries, entry, start, end)
        return index if index < end and self.entries[index] == entry else None


def table_arrays(
    rows: npt.NDArray[np.uint32], entries: npt.NDArray[np.uint32], count: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """The `starts` and `entries` of a Table of `count` rows: of entries that are sorted by row,
    and in each row by themselves."""
    return np.searchsorted(rows, np.arange(count + 1)).astype(np.uint32), entries


def _array(content: memoryview, start: int, *, type: str, offset: int, bytes: int) -> Array:
    part = content[start + offset : start + offset + bytes]
    if len(part) != bytes:
        raise ValueError("it has been cut")
    array: Array = part.cast(_TYPES[type])  # type: ignore[call-overload]
    return array
