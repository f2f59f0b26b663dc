"""What determines the pixels of a TIFF file's first picture.

TIFF scatters its data over the file and points to them by offsets, which any edit may move. So the
values are hashed, and in place of an offset what it points to. Where that isn't certain (JPEG
streams of the old kind, data that overlap), MalformedError leaves the whole file as identity.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from csearchd.formats.parts import MAX_PARTS, MalformedError, Parts

_STRIPS = (273, 279)  # offsets, byte counts
_TILES = (324, 325)
_OLD_JPEG = {512, 513, 514, 515, 517, 518, 519, 520, 521}
# Everything that isn't known to be only descriptive counts.
_DESCRIPTIVE = {
    269, 270, 271, 272, 274, 282, 283, 285, 296, 297, 305, 306, 315, 316,
    330, 333, 337, 700, 18246, 18249, 33432, 33723, 34377, 34665, 34853, 37724, 40965,
    40091, 40092, 40093, 40094, 40095, 50341, 59932,
}  # fmt: skip
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
          16: 8, 17: 8, 18: 8}  # fmt: skip
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MAX_ENTRIES = 4096


class Entry(NamedTuple):
    """A tag's type, count and value, as they stand in the file."""

    kind: int
    number: int
    value: memoryview


def tiff_parts(data: bytes) -> Parts:
    """The values of the first directory that say how to decode, and the strips or tiles."""
    try:
        order, entries = directory(data)
        if sum(len(entry.value) for entry in entries.values()) > len(data):
            raise MalformedError  # what several values share may not be hashed again and again
        yield data[:2]
        for tag, entry in sorted(entries.items()):
            if tag in _OLD_JPEG:
                raise MalformedError
            if tag not in _DESCRIPTIVE and tag not in (_STRIPS[0], _TILES[0]):
                yield struct.pack(">HHQ", tag, entry.kind, entry.number)
                yield entry.value
        yield from _blocks(data, order, entries)
    except (struct.error, OverflowError) as error:
        raise MalformedError from error


def directory(data: bytes) -> tuple[str, dict[int, Entry]]:
    """The byte order, for `struct`, and the first directory of a TIFF or of what is like one.

    Raises MalformedError or struct.error.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise MalformedError
    view = memoryview(data)
    big = data[2:4] in (b"\x2b\0", b"\0\x2b")
    head, entry_format, offset = (
        (order + "Q", order + "HHQ", order + "Q")
        if big
        else (order + "H", order + "HHI", order + "I")
    )
    (at,) = struct.unpack_from(offset, data, 8 if big else 4)
    (count,) = struct.unpack_from(head, data, at)
    if count > _MAX_ENTRIES:
        raise MalformedError
    at += struct.calcsize(head)
    inline = struct.calcsize(offset)
    entries = {}
    for _ in range(count):
        tag, kind, number = struct.unpack_from(entry_format, data, at)
        at += struct.calcsize(entry_format)
        size = _SIZES.get(kind, 0) * number
        (start,) = (at,) if size <= inline else struct.unpack_from(offset, data, at)
        value = view[start : start + size]
        if kind not in _SIZES or len(value) < size or tag in entries:
            raise MalformedError
        entries[tag] = Entry(kind, number, value)
        at += inline
    return order, entries


def _blocks(data: bytes, order: str, entries: dict[int, Entry]) -> Iterable[memoryview]:
    view = memoryview(data)
    offsets_tag, counts_tag = _TILES if _TILES[0] in entries else _STRIPS
    if offsets_tag not in entries or counts_tag not in entries:
        raise MalformedError
    offsets = _integers(entries[offsets_tag], order)
    counts = _integers(entries[counts_tag], order)
    if len(offsets) != len(counts) or sum(counts) > len(data):
        raise MalformedError
    for start, size in zip(offsets, counts, strict=True):
        block = view[start : start + size]
        if len(block) < size:
            raise MalformedError
        yield block


def _integers(entry: Entry, order: str) -> tuple[int, ...]:
    if entry.kind not in _INTEGERS or entry.number > MAX_PARTS:
        raise MalformedError
    return struct.unpack(f"{order}{entry.number}{_INTEGERS[entry.kind]}", entry.value)
