"""Where the formats keep XMP and IPTC."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from PIL import Image

from csearchd.formats.parts import MalformedError
from csearchd.formats.png import chunks
from csearchd.formats.png_text import XMP_TEXT, raw_profile, texts
from csearchd.formats.tiff import directory
from csearchd.metadata.iptc import iptc_resource
from csearchd.metadata.xmp import MAX_BYTES

_XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION_SEGMENT = b"http://ns.adobe.com/xmp/extension/\0"  # XMP specification 3, 1.1.3.1
_PHOTOSHOP_SEGMENT = b"Photoshop 3.0\0"
_XMP, _IPTC, _PHOTOSHOP = 700, 33723, 34377  # tags of TIFF
_GIF_HEAD, _GIF_TRAILER = b"!\xff\x0bXMP DataXMP", b"\x01\xff\xfe\xfd"
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_RAW_IPTC = b"Raw profile type iptc"
_MAX_BOXES = 1000


@dataclass
class Blocks:
    """What a file has of either: XMP packets, the most important first, and an IPTC block."""

    xmp: list[bytes] = field(default_factory=list)
    iptc: bytes | None = None


def read_blocks(image: Image.Image, data: bytes) -> Blocks:
    """Of the picture `image` in the file `data`; nothing is decoded. Rubbish is left out."""
    try:
        if image.format in ("JPEG", "MPO"):
            return _jpeg(getattr(image, "applist", []))
        if image.format == "PNG":
            return _png(data)
        if image.format == "TIFF":
            return tagged_blocks(data)
        if image.format == "GIF":
            return _gif(data)
        if image.format == "JPEG2000":
            return boxed_blocks(data)
        packet = image.info.get("xmp")
        return Blocks([packet] if isinstance(packet, bytes) else [])
    except MemoryError:
        raise
    except Exception:  # a parser in the hands of a hostile file raises anything
        return Blocks()


def tagged_blocks(data: bytes) -> Blocks:
    """From the first directory of a TIFF, or of camera raw that is like one."""
    try:
        _, tags = directory(data)
    except (MalformedError, struct.error, OverflowError):
        return Blocks()
    packet, iptc, resources = (
        bytes(tags[tag].value) if tag in tags else b"" for tag in (_XMP, _IPTC, _PHOTOSHOP)
    )
    return Blocks([packet] if packet else [], iptc or iptc_resource(resources))


def boxed_blocks(data: bytes) -> Blocks:
    """From the outermost boxes of an ISO base media file (ISO 14496-12), as JPEG 2000 and CR3."""
    blocks = Blocks()
    at = 0
    for _ in range(_MAX_BOXES):
        if at + 8 > len(data):
            break
        size, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            size = int.from_bytes(data[start : start + 8], "big")
            start += 8
        end = at + size if size else len(data)
        if end <= at:
            break
        if kind == b"uuid" and data[start : start + 16] == _XMP_UUID:
            blocks.xmp.append(data[start + 16 : min(end, start + 16 + MAX_BYTES)])
        at = end
    return blocks


def _jpeg(segments: list[tuple[str, bytes]]) -> Blocks:
    blocks = Blocks()
    extensions: dict[bytes, dict[int, bytes]] = {}  # by name, then by place
    photoshop: list[bytes] = []
    for kind, content in segments:
        if kind == "APP1" and content.startswith(_XMP_SEGMENT):
            blocks.xmp.append(content[len(_XMP_SEGMENT) :])
        elif kind == "APP1" and content.startswith(_EXTENSION_SEGMENT):
            head = content[len(_EXTENSION_SEGMENT) :]
            place = int.from_bytes(head[36:40], "big")
            extensions.setdefault(head[:32], {})[place] = head[40:]
        elif kind == "APP13" and content.startswith(_PHOTOSHOP_SEGMENT):
            photoshop.append(content[len(_PHOTOSHOP_SEGMENT) :])
    for name, parts in extensions.items():
        if blocks.xmp and name in blocks.xmp[0]:  # others are left over from an edit
            blocks.xmp.append(b"".join(parts[place] for place in sorted(parts)))
    blocks.iptc = iptc_resource(b"".join(photoshop))
    return blocks


def _png(data: bytes) -> Blocks:
    blocks = Blocks()
    try:
        for key, text in texts(chunks(data), (XMP_TEXT, _RAW_IPTC)):
            if key == XMP_TEXT:
                blocks.xmp.append(text)
            else:
                blocks.iptc = iptc_resource(raw_profile(text))
    except MalformedError:
        pass  # what stood before is as good as it was
    return blocks


def _gif(data: bytes) -> Blocks:
    """XMP stands in a GIF as it is, not in blocks (XMP specification 3, 1.1.2)."""
    start = data.find(_GIF_HEAD)
    if start < 0:
        return Blocks()
    start += len(_GIF_HEAD)
    end = data.find(_GIF_TRAILER, start, start + MAX_BYTES)
    return Blocks([data[start:end]] if end > 0 else [])
