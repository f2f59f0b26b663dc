"""HEIF (ISO/IEC 23008-12; HEIC and AVIF): what determines its pixels.

A file consists of items; EXIF and XMP are items too, and adding one moves the data of the others.
So the identity is made of the items' types, the data that their locations point to, their
properties and their references. Section numbers below are those of ISO/IEC 14496-12, whose boxes
csearchd.formats.isobmff walks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from csearchd.errors import MalformedError
from csearchd.formats.isobmff import Box, boxes
from csearchd.formats.parsing import Parts

_DESCRIPTIVE = {b"Exif", b"mime", b"uri "}
_DESCRIBES = b"cdsc"  # the reference of metadata to the item that they describe
_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
_MAX_ITEMS = 65536
_MAX_LACKING = 64 << 20  # bytes that are made up for a file that breaks off
_FILLERS = (b"\0", b"\xff", b"\x55")
_LEFT_OUT = (0, 1, 2, 4, 8, 16, 64)  # bytes
_MIN_SHARE = 0.05  # of the data that must be there: what is made up looks like noise
_MAX_EXTENTS = 1 << 18  # of all items; an extent may take no byte of the file


class _Extent(NamedTuple):
    """A part of an item's data."""

    inside: bool  # in the box idat, not in the file
    offset: int
    size: int


def pixel_parts(data: bytes) -> Parts:
    """The brand; properties and references; type and data of every item that isn't metadata.

    Raises MalformedError, for image sequences too, whose identity is the whole file's.
    """
    try:
        top = {box.kind: box for box in boxes(data, 0, len(data))}
        if b"moov" in top or b"meta" not in top or data[4:8] != b"ftyp":
            raise MalformedError
        yield data[8:12]
        inner = list(boxes(data, top[b"meta"].start + 4, top[b"meta"].end))
        meta = {box.kind: box for box in inner}
        if len(meta) != len(inner):
            raise MalformedError
        types = _types(data, meta[b"iinf"])
        locations = _locations(data, meta[b"iloc"])
        yield _content(data, meta[b"pitm"])
        yield _content(data, meta[b"iprp"])
        if b"iref" in meta:
            yield from _references(data, meta[b"iref"])
        left = len(data)  # bytes that several extents share may not be hashed again and again
        for item, kind in sorted(types.items()):
            if kind in _DESCRIPTIVE:
                continue
            yield struct.pack(">I4s", item, kind)
            for extent in locations.get(item, []):
                left -= extent.size
                if left < 0:
                    raise MalformedError
                yield _extent(data, extent, meta.get(b"idat"))
    except (struct.error, KeyError, IndexError) as error:
        raise MalformedError from error


def salvaged(data: bytes) -> Iterator[bytes]:
    """A file that breaks off, with bytes for the data that it lacks. Raises MalformedError.

    Decoders refuse some of such data, so more and more of the last bytes are left out.
    """
    last = max(box.end for box in boxes(data, 0, len(data), truncated=True))
    start, end = _span(data)
    lacking = max(end, last) - len(data)
    if 0 < lacking <= _MAX_LACKING and len(data) - start >= _MIN_SHARE * (end - start):
        for fewer in _LEFT_OUT:
            if len(data) - fewer < start:
                break
            there = data[: len(data) - fewer]
            lost = lacking + len(data) - len(there)
            yield from (there + byte * lost for byte in _FILLERS)


def is_whole(data: bytes) -> bool | None:
    """Whether the file is there up to the end of its data; None where that isn't known."""
    try:
        return len(data) >= _span(data)[1]
    except MalformedError:
        return None


def lacks_directory(data: bytes) -> bool:
    """Whether a file of pictures breaks off before the end of the table of its items."""
    if data[8:12] not in _BRANDS:
        return False
    try:
        top = list(boxes(data, 0, len(data), truncated=True))
    except MalformedError:
        return False
    return not any(box.kind in (b"meta", b"moov") and box.end <= len(data) for box in top)


def _span(data: bytes) -> tuple[int, int]:
    """Where the data of the items begin and end. Raises MalformedError where their table isn't
    there."""
    try:
        top = {box.kind: box for box in boxes(data, 0, len(data), truncated=True)}
        meta = {box.kind: box for box in boxes(data, top[b"meta"].start + 4, top[b"meta"].end)}
        kinds = _types(data, meta[b"iinf"])
        spans = [
            (extent.offset, extent.offset + extent.size)
            for item, extents in _locations(data, meta[b"iloc"]).items()
            if kinds.get(item) not in _DESCRIPTIVE
            for extent in extents
            if not extent.inside
        ]
    except (struct.error, KeyError, IndexError) as error:
        raise MalformedError from error
    return (min(spans)[0], max(end for _, end in spans)) if spans else (0, 0)


def is_transformed(data: bytes) -> bool:
    """Whether the file has a property that turns or mirrors a picture (irot, imir)."""
    try:
        top = {box.kind: box for box in boxes(data, 0, len(data), truncated=True)}
        meta = {box.kind: box for box in boxes(data, top[b"meta"].start + 4, top[b"meta"].end)}
        inner = {box.kind: box for box in boxes(data, meta[b"iprp"].start, meta[b"iprp"].end)}
        container = inner[b"ipco"]
        kinds = {box.kind for box in boxes(data, container.start, container.end)}
    except (MalformedError, struct.error, KeyError):
        return True
    return bool(kinds & {b"irot", b"imir"})


def _content(data: bytes, box: Box) -> memoryview:
    return memoryview(data)[box.start : box.end]


def _types(data: bytes, box: Box) -> dict[int, bytes]:
    """Item id → type, from the box iinf (8.11.6)."""
    start = box.start + (6 if data[box.start] == 0 else 8)
    types = {}
    for entry in boxes(data, start, box.end):
        version = data[entry.start]
        if entry.kind != b"infe" or version not in (2, 3):
            raise MalformedError
        form = ">H2x4s" if version == 2 else ">I2x4s"
        item, kind = struct.unpack_from(form, data, entry.start + 4)
        types[item] = kind
    return types


def _locations(data: bytes, box: Box) -> dict[int, list[_Extent]]:
    """Item id → where its data are, from the box iloc (8.11.3)."""
    version = data[box.start]
    offset_size, length_size = data[box.start + 4] >> 4, data[box.start + 4] & 15
    base_size = data[box.start + 5] >> 4
    index_size = data[box.start + 5] & 15 if version else 0
    at = box.start + 6

    def number(size: int) -> int:
        nonlocal at
        at += size
        if at > box.end:
            raise MalformedError
        return int.from_bytes(data[at - size : at], "big")

    found: dict[int, list[_Extent]] = {}
    wide = 4 if version == 2 else 2
    left = _MAX_EXTENTS
    count = number(wide)
    if count > _MAX_ITEMS or version > 2:
        raise MalformedError
    for _ in range(count):
        item = number(wide)
        method = number(2) & 15 if version else 0
        if method > 1 or number(2):  # made of other items, or in another file
            raise MalformedError
        base = number(base_size)
        extents = []
        here = number(2)
        left -= here
        if left < 0:
            raise MalformedError
        for _ in range(here):
            number(index_size)
            offset = base + number(offset_size)
            extents.append(_Extent(method == 1, offset, number(length_size)))
        found[item] = extents
    return found


def _references(data: bytes, box: Box) -> Iterator[memoryview]:
    for reference in boxes(data, box.start + 4, box.end):
        if reference.kind != _DESCRIBES:
            yield memoryview(data)[reference.start - 8 : reference.end]


def _extent(data: bytes, extent: _Extent, idat: Box | None) -> memoryview:
    start, end = extent.offset, len(data)
    if extent.inside:
        if idat is None:
            raise MalformedError
        start, end = start + idat.start, idat.end
    if extent.size == 0 or start + extent.size > end:  # 0: the whole file
        raise MalformedError
    return memoryview(data)[start : start + extent.size]
