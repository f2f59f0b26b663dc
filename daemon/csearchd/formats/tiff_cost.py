"""Whether directories of TIFF, which EXIF data are too, cost no more than an honest file's.

Each of their 65,535 entries may point to all of the file, and older versions of Pillow make numbers
of what it points to: 64 KB become gigabytes. In an honest file hardly any values share their bytes.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
          16: 8, 17: 8, 18: 8}  # fmt: skip
_POINTERS = {34665, 34853, 40965}  # to further directories: EXIF, GPS, Interop
_MOST_DIRECTORIES = 8
_MOST_ENTRIES = 65535
_MOST_SEGMENTS = 256
_SHARED = 4  # times the file's size that its values may have together,
_FREE = 1 << 18  # bytes, and this much beside


def is_honest(data: bytes | memoryview) -> bool:
    """Whether the values of the first directory, and of those for EXIF data that it points to, are
    together about as large as the file at most. What doesn't parse is; nobody reads it."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if order is None:
        return True
    big = bytes(data[2:4]) in (b"\x2b\0", b"\0\x2b")
    left = _SHARED * len(data) + _FREE
    try:
        pending = list(struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4))
        for _ in range(_MOST_DIRECTORIES):
            if not pending:
                break
            left -= _size(data, order, big, pending.pop(), pending)
            if left < 0:
                return False
    except (struct.error, OverflowError):
        pass
    return True


def jpeg_is_honest(data: bytes) -> bool:
    """The same of a JPEG's EXIF data, and of those that tell of further pictures in the file."""
    exif = b"".join(_segments(data, b"Exif\0\0"))
    return is_honest(exif) and all(map(is_honest, _segments(data, b"MPF\0")))


def _segments(data: bytes, name: bytes) -> Iterator[bytes]:
    """What segments of that name have behind it. Rubbish may stand between segments, so they are
    looked for and not walked through."""
    found = data.find(name)
    for _ in range(_MOST_SEGMENTS):
        if found < 0:
            return
        length = int.from_bytes(data[max(0, found - 2) : found], "big")
        yield data[found + len(name) : found - 2 + length]
        found = data.find(name, found + len(name))


def _size(data: bytes | memoryview, order: str, big: bool, start: int, pointers: list[int]) -> int:
    """Bytes of a directory's values that lie outside of it, as far as the file has them; where it
    points to others is added to `pointers`. Raises struct.error, OverflowError."""
    head, form, offset = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    (count,) = struct.unpack_from(order + head, data, start)
    if count > _MOST_ENTRIES:
        return sys.maxsize
    first = start + struct.calcsize(order + head)
    total, inline = 0, struct.calcsize(order + offset)
    step = struct.calcsize(order + form) + inline
    for at in range(first, min(first + count * step, len(data) - step + 1), step):
        tag, kind, number = struct.unpack_from(order + form, data, at)
        (where,) = struct.unpack_from(order + offset, data, at + step - inline)
        size = _SIZES.get(kind, 0) * number
        if size > inline:
            total += max(0, min(size, len(data) - where))
        elif tag in _POINTERS and kind in (4, 13, 16, 18):
            pointers.append(where)
    return total
