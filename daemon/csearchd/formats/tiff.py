"""TIFF (revision 6.0) and BigTIFF: directories of tags, pixels, and the XMP and IPTC data in it.

TIFF scatters its data over the file and points to them by offsets, which any edit may move. So the
identity is made of the values, and in place of an offset, of what it points to. Where that isn't
certain (JPEG streams of the old kind, data that overlap), it raises MalformedError, and the whole
file is hashed. EXIF data have the same structure (EXIF 2.32, 4.6), and so have most camera raw
files.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from csearchd.errors import MalformedError
from csearchd.formats import photoshop
from csearchd.formats.parsing import MAX_PARTS, MetadataBlocks, Parts

_COMPRESSION, _UNCOMPRESSED = 259, 1
_STRIPS = (273, 279)  # offsets, byte counts
_TILES = (324, 325)
_OLD_JPEG = {512, 513, 514, 515, 517, 518, 519, 520, 521}
# Everything that isn't known to be only descriptive determines the pixels.
_DESCRIPTIVE = {
    269, 270, 271, 272, 274, 282, 283, 285, 296, 297, 305, 306, 315, 316,
    330, 333, 337, 700, 18246, 18249, 33432, 33723, 34377, 34665, 34853, 37724, 40965,
    40091, 40092, 40093, 40094, 40095, 50341, 59932,
}  # fmt: skip
_XMP, _IPTC, _PHOTOSHOP = 700, 33723, 34377
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
          16: 8, 17: 8, 18: 8}  # fmt: skip
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_OFFSETS = (4, 13, 16, 18)  # types of a tag that points to a directory
_MAX_ENTRIES = 4096
_MAX_LACKING = 4096  # bytes of a directory

# Of `is_honest`
_DIRECTORIES = {34665, 34853, 40965}  # tags that point to further ones: EXIF, GPS, Interop
_MAX_DIRECTORIES = 8
_MAX_COSTLY_ENTRIES = 65535  # all that a directory of TIFF can have; BigTIFF's can have more
_SHARED_FACTOR, _SHARED_BYTES = 4, 1 << 18  # values: 4 times the file's size, and so many bytes


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a file writes its numbers."""

    order: str  # "<" or ">", as for `struct`
    count: struct.Struct  # how many entries a directory has
    entry: struct.Struct  # tag, type, count, value or offset
    offset: struct.Struct
    first: int  # where the offset of the first directory is


def _layout(order: str, count: str, offset: str, first: int) -> _Layout:
    entry = struct.Struct(f"{order}HH{offset}{offset}")
    return _Layout(order, struct.Struct(order + count), entry, struct.Struct(order + offset), first)


_LAYOUTS = {  # of TIFF, of BigTIFF
    b"II": (_layout("<", "H", "I", 4), _layout("<", "Q", "Q", 8)),
    b"MM": (_layout(">", "H", "I", 4), _layout(">", "Q", "Q", 8)),
}


class Entry(NamedTuple):
    """A tag's type (TIFF 6.0, section 2), count and value, as they are in the file."""

    kind: int
    number: int
    value: memoryview


def pixel_parts(data: bytes) -> Parts:
    """The values of the first directory that say how to decode, and the strips or tiles.

    Raises MalformedError.
    """
    order, entries = directory(data)
    if sum(len(entry.value) for entry in entries.values()) > len(data):
        raise MalformedError  # bytes that several values share may not be hashed again and again
    yield data[:2]
    for tag, entry in sorted(entries.items()):
        if tag in _OLD_JPEG:
            raise MalformedError
        if tag not in _DESCRIPTIVE and tag not in (_STRIPS[0], _TILES[0]):
            yield struct.pack(">HHQ", tag, entry.kind, entry.number)
            yield entry.value
    yield from _blocks(data, order, entries)


def salvaged(data: bytes) -> Iterator[bytes]:
    """The file with zeros behind it, of which the first directory may lack its end."""
    yield data + bytes(_MAX_LACKING)


def reaches_end(data: bytes) -> bool | None:
    """Whether no compressed strip or tile of the first picture ends behind the file's end.

    None where that can't be told.

    Decoders fill up what is missing, but notice themselves where nothing is compressed.
    """
    try:
        order, entries = directory(data)
        if _integers(entries[_COMPRESSION], order) == (_UNCOMPRESSED,):
            return True
        tags = _TILES if _TILES[0] in entries else _STRIPS
        offsets, counts = (_integers(entries[tag], order) for tag in tags)
    except (MalformedError, KeyError):
        return None
    return all(start + size <= len(data) for start, size in zip(offsets, counts, strict=False))


def lacks_directory(data: bytes) -> bool:
    """Whether the file breaks off before its first directory, which many programs write last."""
    try:
        return _first(data)[1] >= len(data)
    except MalformedError:
        return False


def directory(data: bytes) -> tuple[str, dict[int, Entry]]:
    """The byte order, for `struct`, and the first directory of a TIFF or of what is like one.

    Raises MalformedError.
    """
    layout, start = _first(data)
    count = _count(data, layout, start)
    if count > _MAX_ENTRIES:
        raise MalformedError
    view = memoryview(data)
    entries: dict[int, Entry] = {}
    for tag, kind, number, size, at, _ in _fields(data, layout, start, count):
        value = view[at : at + size]
        if kind not in _SIZES or len(value) < size or tag in entries:
            raise MalformedError
        entries[tag] = Entry(kind, number, value)
    return layout.order, entries


def locate(data: memoryview, tag: int, min_size: int) -> tuple[str, int]:
    """The byte order, for `struct`, and where the value of a tag of the first directory begins.

    Raises MalformedError where there is no such tag, or none with a value of `min_size` bytes.
    """
    layout, start = _first(data)
    for found, _, _, size, at, _ in _fields(data, layout, start, _count(data, layout, start)):
        if found == tag and size >= min_size:
            return layout.order, at
    raise MalformedError


class Field(NamedTuple):
    """An entry of a directory as it is written, which may be damaged: its tag, type and count,
    where the entry itself has room for a value, and what is there, taken for an offset."""

    tag: int
    kind: int
    number: int
    inline: int
    offset: int


class Fields(NamedTuple):
    """A directory of a file that may be damaged: its byte order, for `struct`, how many bytes of a
    value an entry has room for, and its entries."""

    order: str
    room: int
    entries: list[Field]


def readable_fields(
    data: bytes, start: int | None = None, most: int = _MAX_COSTLY_ENTRIES
) -> Fields:
    """The first `most` entries of the directory at `start`, or of the first one, as far as the file
    has it.

    Raises MalformedError where there is none.
    """
    layout, first = _first(data)
    start = first if start is None else start
    count = min(_count(data, layout, start), most)
    begin, step = start + layout.count.size, layout.entry.size
    end = begin + min(count, max(0, len(data) - begin) // step) * step
    room = layout.offset.size
    return Fields(
        layout.order,
        room,
        [
            Field(tag, kind, number, begin + (place + 1) * step - room, offset)
            for place, (tag, kind, number, offset) in enumerate(
                layout.entry.iter_unpack(data[begin:end])
            )
        ],
    )


def metadata_blocks(data: bytes) -> MetadataBlocks:
    """XMP and IPTC of the first directory of a TIFF, or of camera raw that is like one.

    Never raises.
    """
    try:
        _, entries = directory(data)
    except MalformedError:
        return MetadataBlocks()
    packet, iptc, resources = (
        bytes(entries[tag].value) if tag in entries else b"" for tag in (_XMP, _IPTC, _PHOTOSHOP)
    )
    return MetadataBlocks([packet] if packet else [], iptc or photoshop.iptc_block(resources))


def is_honest(data: bytes) -> bool:
    """Whether a TIFF's, or EXIF data's, directories cost no more to read than an honest file's.

    Each of 65,535 entries may point to all of the file, and older versions of Pillow make numbers
    of what it points to: 64 KB become gigabytes. In an honest file hardly any values share their
    bytes. So the values of the first directory, and of those for EXIF data that it points to,
    must together be about as large as the file at most. What doesn't parse passes: nobody reads it.
    """
    try:
        layout, start = _first(data)
    except MalformedError:
        return True
    left = _SHARED_FACTOR * len(data) + _SHARED_BYTES
    pending = [start]
    for _ in range(_MAX_DIRECTORIES):
        if not pending:
            break
        left -= _cost(data, layout, pending.pop(), pending)
        if left < 0:
            return False
    return True


def _cost(data: bytes, layout: _Layout, start: int, pending: list[int]) -> int:
    """Bytes of a directory's values that are outside of it, as far as the file has them.

    The offsets of further directories are added to `pending`.
    """
    total = 0
    try:
        count = _count(data, layout, start)
        if count > _MAX_COSTLY_ENTRIES:
            return sys.maxsize
        for tag, kind, _, size, _, offset in _fields(data, layout, start, count):
            if size > layout.offset.size:
                total += max(0, min(size, len(data) - offset))
            elif tag in _DIRECTORIES and kind in _OFFSETS:
                pending.append(offset)
    except MalformedError:
        pass  # the file ends before the directory does
    return total


def _first(data: bytes | memoryview) -> tuple[_Layout, int]:
    """The layout of the file, and where its first directory is. Raises MalformedError."""
    layouts = _LAYOUTS.get(bytes(data[:2]))
    if layouts is None:
        raise MalformedError
    layout = layouts[data[2:4] in (b"\x2b\0", b"\0\x2b")]
    return layout, _unpacked(layout.offset, data, layout.first)[0]


def _count(data: bytes | memoryview, layout: _Layout, start: int) -> int:
    return _unpacked(layout.count, data, start)[0]


def _fields(
    data: bytes | memoryview, layout: _Layout, start: int, count: int
) -> Iterator[tuple[int, int, int, int, int, int]]:
    """The first `count` entries of the directory at `start`.

    Each is a tag, its type, its count, the size of its value in bytes (0 for an unknown type),
    where the value is (in the entry where it fits, else at its offset), and what the entry has in
    the place of an offset. Raises MalformedError behind the last one that the file has.
    """
    first, step = start + layout.count.size, layout.entry.size
    whole = min(count, max(0, len(data) - first) // step)
    inline = layout.offset.size
    at = first + step - inline
    for tag, kind, number, offset in layout.entry.iter_unpack(data[first : first + whole * step]):
        size = _SIZES.get(kind, 0) * number
        yield tag, kind, number, size, at if size <= inline else offset, offset
        at += step
    if whole < count:
        raise MalformedError


def _unpacked(form: struct.Struct, data: bytes | memoryview, at: int) -> tuple[int, ...]:
    try:
        return form.unpack_from(data, at)
    except (struct.error, OverflowError) as error:
        raise MalformedError from error


def _blocks(data: bytes, order: str, entries: dict[int, Entry]) -> Iterable[memoryview]:
    """The strips or tiles."""
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
    form = struct.Struct(f"{order}{entry.number}{_INTEGERS[entry.kind]}")
    return _unpacked(form, entry.value, 0)
