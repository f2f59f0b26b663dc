"""JPEG (ITU-T T.81, ISO/IEC 10918-1): its segments, its pixels, and the XMP and IPTC data in it.

XMP is in an APP1 segment, and continues in further ones where it is larger than 64 KB (XMP
specification part 3, 1.1.3); IPTC data are in Photoshop's image resource blocks in APP13.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from csearchd.errors import MalformedError, TooManyPartsError, UneditableError
from csearchd.formats import photoshop, tiff
from csearchd.formats.parsing import MAX_PARTS, MetadataBlocks, Parts

_MARKER = re.compile(rb"\xff++(.)", re.DOTALL)  # with as many fill bytes as its writer likes
_MARKER_AHEAD = re.compile(rb"\xff[^\x00\xff]")
# In entropy-coded data FF is followed by 00 (a stuffed byte) or D0–D7 (a restart marker) only.
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_DHT, _DQT, _DRI = 0xC4, 0xDB, 0xDD
_APP0, _APP1, _APP2, _APP13, _APP14, _COM = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)}  # as Pillow takes them
_EXIF = b"Exif\0\0"
_MULTI_PICTURE = b"MPF\0"  # CIPA DC-007
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_SIZE = struct.Struct(">H")
_MAX_CONTENT = 65533  # bytes of a segment behind its length
_MP_ENTRIES, _MP_ENTRY_SIZE = 0xB002, 16
_DAMAGED = "it is truncated or damaged"


class Segment(NamedTuple):
    """A segment, as positions in the file."""

    marker: int  # the marker's second byte
    start: int  # where the marker begins, with the fill bytes before it
    length: int  # where the length field begins
    end: int  # where the content ends; for SOS, where the entropy-coded data end

    def content(self, data: bytes) -> bytes:
        """What stands behind the length field."""
        return data[self.length + 2 : self.end]

    @property
    def is_padded(self) -> bool:
        """Whether fill bytes stand before the marker."""
        return self.length - self.start > 2


def segments(data: bytes, tolerant: bool = False) -> Iterator[Segment]:
    """The segments of the first picture, from behind SOI to before EOI.

    Raises MalformedError where the file breaks off or a segment doesn't follow directly on the one
    before. With `tolerant`, it ends at the first scan (SOS), and bytes between segments, markers
    without a length and lengths that are too small are skipped as Pillow skips them.
    """
    if data[:2] != bytes((0xFF, _SOI)):
        raise MalformedError
    find = _MARKER_AHEAD.search if tolerant else _MARKER.match
    at = 2
    for _ in range(MAX_PARTS):
        found = find(data, at)
        if found is None:
            raise MalformedError
        length = found.end()
        marker = data[length - 1]
        if tolerant and marker in _WITHOUT_LENGTH:
            at = length
            continue
        if marker == (_SOS if tolerant else _EOI):
            return
        if length + 2 > len(data):
            raise MalformedError
        (size,) = _SIZE.unpack_from(data, length)
        end = length + (max(size, 2) if tolerant else size)
        if (size < 2 and not tolerant) or end > len(data):
            raise MalformedError
        if marker == _SOS:
            scan_end = _SCAN_END.search(data, end)
            if scan_end is None:
                raise MalformedError
            end = scan_end.start()
        yield Segment(marker, found.start(), length, end)
        at = end
    raise TooManyPartsError


def reaches_end(data: bytes) -> bool:
    """Whether the first picture's end (EOI) is in the file."""
    at = 2
    try:
        for segment in segments(data):
            at = segment.end
    except MalformedError:  # damaged, or broken off
        return data.find(bytes((0xFF, _EOI)), at) >= 0
    return True


def salvaged(data: bytes) -> Iterator[bytes]:
    """Files that may be decoded where this one can't, which is damaged or broken off.

    The first has an end; the second has no markers where none can be, between coded data; the
    third has only what determines the pixels, and EXIF data.
    """
    end = bytes((0xFF, _EOI))
    yield data + end
    mended = _with_plausible_markers(data)
    if mended != data:
        yield mended + end
    kept = [data[:2]]
    at = 2
    for segment in _before_scan(data):
        at = segment.end
        content = memoryview(data)[segment.length + 2 : segment.end]
        if (
            segment.marker in (_APP0, _APP14)
            or content[: len(_EXIF)].tobytes() == _EXIF
            or _determines_pixels(segment.marker, content)
        ):
            kept.append(data[segment.start : segment.end])
    yield b"".join((*kept, data[at:], end))


def _with_plausible_markers(data: bytes) -> bytes:
    """The file with coded data in place of markers that can't stand behind the first scan."""
    at = 2
    for segment in _before_scan(data):
        at = segment.end
    changed = bytearray(data)
    found = _SCAN_END.search(data, _behind_segment(data, at + 2))
    while found:
        place, end = found.start(), found.end()
        if data[end - 1] == 0xFF:  # a fill byte
            end -= 1
        elif data[end - 1] == _EOI:
            break
        elif _is_plausible(data, end):
            end = _behind_segment(data, end)
        else:
            changed[place + 1] = 0
        found = _SCAN_END.search(data, end)
    return bytes(changed)


def _is_plausible(data: bytes, at: int) -> bool:
    """Whether a segment of tables or a scan's header begins with the length at `at`."""
    marker, content = data[at - 1], data[at + 2 : _behind_segment(data, at)]
    if marker == _DHT:
        return len(content) > 17 and content[0] & 0xEF < 4
    if marker == _SOS:
        return len(content) > 3 and content[0] in range(1, 5) and len(content) == 4 + 2 * content[0]
    if marker == _DQT:
        return len(content) > 64 and content[0] & 0xEF < 4
    return marker == _DRI and len(content) == 2


def _behind_segment(data: bytes, at: int) -> int:
    return at + max(2, int.from_bytes(data[at : at + 2], "big"))


def pixel_parts(data: bytes) -> Parts:
    """Frame, tables, scans, colour profile and colour transform, up to the first EOI.

    What follows (the further pictures of an MPO file, the film of a motion photo) is not shown.
    Raises MalformedError.
    """
    view = memoryview(data)
    jfif, adobe, components = False, b"", b""
    for marker, _, length, end in segments(data):
        content = view[length + 2 : end]
        if marker == _SOS:
            yield _colour_transform(jfif, adobe, components)
        elif marker == _APP0:
            jfif = jfif or (content[:5].tobytes() == b"JFIF\0" and len(content) >= 14)
        elif marker == _APP14:
            adobe = bytes(content[11:12]) if content[:5].tobytes() == b"Adobe" else adobe
        elif marker in _SOF:
            components = bytes(content[6::3])
        if _determines_pixels(marker, content):
            yield bytes((0xFF, marker))
            yield view[length:end]


def _determines_pixels(marker: int, content: memoryview) -> bool:
    if marker == _APP2:
        return content[:12].tobytes() == b"ICC_PROFILE\0"
    return not (_APP0 <= marker <= _APP0 + 15 or marker == _COM)


def _colour_transform(jfif: bool, adobe: bytes, components: bytes) -> bytes:
    """How libjpeg interprets the components (jdapimin.c, default_decompress_parms).

    Not the segments themselves: a JFIF segment can go with other metadata, without effect.
    """
    if len(components) != 3:
        return b"Adobe" + adobe
    if jfif:
        return b"YCC"
    if adobe:
        return b"RGB" if adobe == b"\0" else b"YCC"
    return b"RGB" if components == b"RGB" else b"YCC"


def metadata_blocks(data: bytes) -> MetadataBlocks:
    """XMP, with its extension, and IPTC. Never raises; reads as far as segments can be told."""
    blocks = MetadataBlocks()
    extensions: dict[bytes, dict[int, bytes]] = {}  # by identifier, then by offset
    resources: list[bytes] = []
    for segment in _before_scan(data):
        if segment.marker not in (_APP1, _APP13):
            continue
        content = segment.content(data)
        if segment.marker == _APP13:
            if content.startswith(photoshop.SIGNATURE):
                resources.append(content.removeprefix(photoshop.SIGNATURE))
        elif content.startswith(_XMP):
            blocks.xmp.append(content.removeprefix(_XMP))
        elif content.startswith(_XMP_EXTENSION):
            # 32 digits that name it, its whole size and this part's offset (4 bytes each)
            head = content.removeprefix(_XMP_EXTENSION)
            offset = int.from_bytes(head[36:40], "big")
            extensions.setdefault(head[:32], {})[offset] = head[40:]
    for name, parts in extensions.items():
        if blocks.xmp and name in blocks.xmp[0]:  # others are left over from an edit
            blocks.xmp.append(b"".join(parts[offset] for offset in sorted(parts)))
    blocks.iptc = photoshop.iptc_block(b"".join(resources))
    return blocks


def has_honest_exif(data: bytes) -> bool:
    """Whether the EXIF data and the index of further pictures pass csearchd.formats.tiff.is_honest.

    These are what Pillow parses when it opens the file.
    """
    exif, indexes = [], []
    try:
        for segment in segments(data, tolerant=True):
            start = segment.length + 2
            if segment.marker == _APP1 and data.startswith(_EXIF, start, segment.end):
                exif.append(segment.content(data).removeprefix(_EXIF))
            elif segment.marker == _APP2 and data.startswith(_MULTI_PICTURE, start, segment.end):
                indexes.append(segment.content(data).removeprefix(_MULTI_PICTURE))
    except TooManyPartsError:  # Pillow looks further
        return False
    except MalformedError:
        pass
    return all(map(tiff.is_honest, (b"".join(exif), *indexes)))


def _before_scan(data: bytes) -> Iterator[Segment]:
    """The segments before the first scan, as far as they can be told."""
    try:
        yield from segments(data, tolerant=True)
    except MalformedError:
        pass


@dataclass
class _Layout:
    """Where the segments are that are edited."""

    xmp: Segment | None = None
    photoshop: list[Segment] = field(default_factory=list)
    insertion: int = 2  # where a new XMP segment goes: behind JFIF and EXIF, which come first
    index: int | None = None  # where the segment begins that indexes further pictures


def read_xmp(data: bytes) -> bytes | None:
    """The XMP packet; None where there is none. Raises UneditableError."""
    xmp = _layout(data).xmp
    return xmp.content(data).removeprefix(_XMP) if xmp else None


def with_xmp(data: bytes, packet: bytes | None) -> bytes:
    """The file with this XMP packet, or without one. Raises UneditableError."""
    layout = _layout(data)
    new = b""
    if packet is not None:
        largest = _MAX_CONTENT - len(_XMP)
        if len(packet) > largest:
            raise UneditableError(f"its XMP would have {len(packet)} bytes; JPEG holds {largest}")
        new = _segment(_APP1, _XMP + packet)
    old = layout.xmp
    span = (old.start, old.end) if old else (layout.insertion, layout.insertion)
    return _spliced(data, layout, span, new, "its XMP stands")


def read_photoshop(data: bytes) -> bytes | None:
    """Photoshop's image resource blocks; None where there are none. Raises UneditableError."""
    layout = _layout(data)
    return _resources(data, layout) if layout.photoshop else None


def with_photoshop(data: bytes, resources: bytes) -> bytes:
    """The file with other image resource blocks in place of those it has.

    Raises UneditableError.
    """
    layout = _layout(data)
    _resources(data, layout)
    content = photoshop.SIGNATURE + resources
    if len(content) > _MAX_CONTENT:
        raise UneditableError("there is no room for more IPTC keywords")
    old = layout.photoshop[0]
    new = _segment(_APP13, content)
    return _spliced(data, layout, (old.start, old.end), new, "its IPTC data stand")


def segments_beside_photoshop(data: bytes) -> list[bytes]:
    """The segments before the first scan without those of APP13. Raises UneditableError."""
    return [data[one.start : one.end] for one in _header(data) if one.marker != _APP13]


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + _SIZE.pack(2 + len(content)) + content


def _resources(data: bytes, layout: _Layout) -> bytes:
    if len(layout.photoshop) > 1 or layout.photoshop[0].is_padded:
        raise UneditableError("its IPTC data are in several segments")
    return layout.photoshop[0].content(data).removeprefix(photoshop.SIGNATURE)


def _header(data: bytes) -> list[Segment]:
    """The segments before the first scan of a file that is whole up to EOI.

    Raises UneditableError where it isn't.
    """
    try:
        found = list(segments(data))
    except MalformedError:
        raise UneditableError(_DAMAGED) from None
    markers = [segment.marker for segment in found]
    if _SOS not in markers:
        raise UneditableError(_DAMAGED)
    return found[: markers.index(_SOS)]


def _layout(data: bytes) -> _Layout:
    layout = _Layout()
    extension = b""
    leading = True
    for segment in _header(data):
        content = segment.content(data)
        exif = segment.marker == _APP1 and content.startswith(b"Exif\0")
        leading = leading and (segment.marker == _APP0 or exif)
        if leading:
            layout.insertion = segment.end
        if segment.marker == _APP1 and content.startswith(_XMP):
            if segment.is_padded:
                raise UneditableError("its XMP is padded in an unusual way")
            if layout.xmp:
                raise UneditableError("it has several XMP packets")
            layout.xmp = segment
        elif segment.marker == _APP1 and content.startswith(_XMP_EXTENSION):
            extension += content
        elif segment.marker == _APP2 and content.startswith(_MULTI_PICTURE):
            layout.index = segment.start
        elif segment.marker == _APP13 and content.startswith(photoshop.SIGNATURE):
            layout.photoshop.append(segment)
    if any(name in extension for name in (b"subject", b"TagsList", b"Subject")):
        raise UneditableError("its keywords are in an extension of its XMP")
    return layout


def _spliced(data: bytes, layout: _Layout, span: tuple[int, int], new: bytes, what: str) -> bytes:
    """The file with `new` in place of the bytes of `span`, and an index of pictures that fits."""
    start, end = span
    changed = data[:start] + new + data[end:]
    if layout.index is None:
        return changed
    if layout.index < start:
        raise UneditableError(f"{what} behind the index of its further pictures (MPF)")
    growth = len(changed) - len(data)
    return _with_first_size(changed, layout.index + growth, growth)


def _with_first_size(data: bytes, index: int, growth: int) -> bytes:
    """Corrects the size of the first picture in the index of several (CIPA DC-007, 5.2.3.3).

    The offsets of the others count from the index, which moves with them.
    """
    try:
        base = data.index(_MULTI_PICTURE, index) + len(_MULTI_PICTURE)
        order, entries = tiff.locate(memoryview(data)[base:], _MP_ENTRIES, _MP_ENTRY_SIZE)
        place = base + entries + 4  # behind the attributes of the first picture
        (size,) = struct.unpack_from(order + "I", data, place)
        return data[:place] + struct.pack(order + "I", size + growth) + data[place + 4 :]
    except (MalformedError, ValueError, struct.error):
        raise UneditableError("its index of further pictures (MPF) is damaged") from None
