"""XMP in JPEG: an APP1 segment (XMP specification part 3, 1.1.3)."""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from csearchd.errors import SkippedFile
from csearchd.formats.jpeg import jpeg_parts
from csearchd.formats.parts import MalformedError
from csearchd.tags.containers import iptc

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_RESOURCES = b"Photoshop 3.0\0"
_MOST = 65533 - len(_XMP)
_SOS = 0xDA
_APP0, _APP1, _APP2 = 0xE0, 0xE1, 0xE2
PHOTOSHOP = 0xED  # APP13
_MP_ENTRIES = 0xB002


@dataclass
class _Layout:
    xmp: list[tuple[int, int]] = field(default_factory=list)  # spans of segments
    place: int = 2  # where a new one goes: behind JFIF and EXIF, which want to be first
    multi: int | None = None  # where the segment that indexes further pictures begins
    extension: bytes = b""
    photoshop: list[tuple[int, int]] = field(default_factory=list)  # spans of segments


def read(data: bytes) -> bytes | None:
    layout = _layout(data)
    return data[slice(*layout.xmp[0])][4 + len(_XMP) :] if layout.xmp else None


def write(data: bytes, packet: bytes | None) -> bytes:
    layout = _layout(data)
    start, end = layout.xmp[0] if layout.xmp else (layout.place, layout.place)
    segment = b""
    if packet is not None:
        if len(packet) > _MOST:
            raise SkippedFile(f"its XMP would have {len(packet)} bytes; JPEG holds {_MOST}")
        segment = b"\xff\xe1" + struct.pack(">H", 2 + len(_XMP) + len(packet)) + _XMP + packet
    new = data[:start] + segment + data[end:]
    if layout.multi is None:
        return new
    if layout.multi < start:
        raise SkippedFile("its XMP stands behind the index of its further pictures (MPF)")
    return _grown(new, layout.multi + len(segment) - (end - start), len(new) - len(data))


def keywords(data: bytes) -> list[str]:
    """The IPTC keywords."""
    layout = _layout(data)
    return iptc.keywords(_resources(data, layout)) if layout.photoshop else []


def with_keywords(data: bytes, less: Collection[str], more: Sequence[str]) -> bytes:
    """The file with other IPTC keywords; it must have some."""
    layout = _layout(data)
    start, end = layout.photoshop[0]
    body = _RESOURCES + iptc.with_keywords(_resources(data, layout), less, more)
    if len(body) > 65533:
        raise SkippedFile("there is no room for more IPTC keywords")
    new = data[:start] + b"\xff\xed" + struct.pack(">H", 2 + len(body)) + body + data[end:]
    if layout.multi is None:
        return new
    if layout.multi < start:
        raise SkippedFile("its IPTC data stand behind the index of its further pictures (MPF)")
    return _grown(new, layout.multi + len(new) - len(data), len(new) - len(data))


def _resources(data: bytes, layout: _Layout) -> bytes:
    if len(layout.photoshop) > 1 or data[layout.photoshop[0][0] + 1] == 0xFF:
        raise SkippedFile("its IPTC data are in several segments")
    start, end = layout.photoshop[0]
    return data[start + 4 + len(_RESOURCES) : end]


def segments(data: bytes) -> list[tuple[int, int, int]]:
    """The segments before the first scan: marker, where it begins, where it ends.

    Raises SkippedFile where the file isn't whole, up to the end of its first picture.
    """
    try:
        for _ in jpeg_parts(data):
            pass
    except MalformedError:
        raise SkippedFile("it is truncated or damaged") from None
    found: list[tuple[int, int, int]] = []
    at = 2
    while True:
        start = at
        while data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = data[at + 1]
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SOS:
            return found
        found.append((marker, start, end))
        at = end


def _layout(data: bytes) -> _Layout:
    layout = _Layout()
    leading = True
    for marker, start, end in segments(data):
        content = data[start:end].lstrip(b"\xff")[3:]
        exif = marker == _APP1 and content.startswith(b"Exif\0")
        leading = leading and (marker == _APP0 or exif)
        if leading:
            layout.place = end
        if marker == _APP1 and content.startswith(_XMP):
            if data[start + 1] == 0xFF:
                raise SkippedFile("it is padded in a strange way")
            layout.xmp.append((start, end))
        elif marker == _APP1 and content.startswith(_EXTENSION):
            layout.extension += content
        elif marker == _APP2 and content.startswith(b"MPF\0"):
            layout.multi = start
        elif marker == PHOTOSHOP and content.startswith(_RESOURCES):
            layout.photoshop.append((start, end))
    if len(layout.xmp) > 1:
        raise SkippedFile("it has several XMP packets")
    if any(name in layout.extension for name in (b"subject", b"TagsList", b"Subject")):
        raise SkippedFile("its keywords are in an extension of its XMP")
    return layout


def _grown(data: bytes, at: int, by: int) -> bytes:
    """Corrects the size of the first picture in the index of several (CIPA DC-007, 5.2.3.3).

    The others' places count from the index, which moves with them.
    """
    try:
        head = data.index(b"MPF\0", at) + 4
        order = {b"II*\0": "<", b"MM\0*": ">"}[data[head : head + 4]]
        (directory,) = struct.unpack_from(order + "I", data, head + 4)
        (count,) = struct.unpack_from(order + "H", data, head + directory)
        for number in range(count):
            entry = head + directory + 2 + 12 * number
            tag, _, _, offset = struct.unpack_from(order + "HHII", data, entry)
            if tag == _MP_ENTRIES:
                place = head + offset + 4
                (size,) = struct.unpack_from(order + "I", data, place)
                return data[:place] + struct.pack(order + "I", size + by) + data[place + 4 :]
    except (KeyError, ValueError, struct.error):
        pass
    raise SkippedFile("its index of further pictures (MPF) is damaged")
