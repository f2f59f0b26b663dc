"""XMP in PNG: an iTXt chunk (XMP specification part 3, 1.1.5)."""

from __future__ import annotations

import struct
import zlib

from csearchd.errors import SkippedFile
from csearchd.formats.parts import MalformedError
from csearchd.formats.png import SIGNATURE, chunks

_KEYWORD = b"XML:com.adobe.xmp\0"
_MOST = 16 << 20  # bytes of a compressed packet
_RAW_PROFILES = (b"Raw profile type xmp\0", b"Raw profile type APP1\0")


def read(data: bytes) -> bytes | None:
    found = _find(data)
    return _text(found[2]) if found else None


def write(data: bytes, packet: bytes | None) -> bytes:
    found = _find(data)
    after_header = len(SIGNATURE) + 25  # IHDR, which is always first
    start, end = found[:2] if found else (after_header, after_header)
    return data[:start] + (b"" if packet is None else _chunk(packet)) + data[end:]


def _find(data: bytes) -> tuple[int, int, bytes] | None:
    """The chunk with the packet: where it begins and ends, its content."""
    found = []
    at = len(SIGNATURE)
    try:
        for number, (kind, content) in enumerate(chunks(data)):
            end = at + 12 + len(content)
            if number == 0 and (kind, len(content)) != (b"IHDR", 13):
                raise MalformedError
            if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
                raise MalformedError
            if kind == b"iTXt" and bytes(content[: len(_KEYWORD)]) == _KEYWORD:
                found.append((at, end, bytes(content)))
            elif kind in (b"tEXt", b"zTXt") and bytes(content[:24]).startswith(_RAW_PROFILES):
                raise SkippedFile("its XMP is in a text chunk of ImageMagick's")
            at = end
    except MalformedError:
        raise SkippedFile("it is truncated or damaged") from None
    if len(found) > 1:
        raise SkippedFile("it has several XMP packets")
    return found[0] if found else None


def _text(content: bytes) -> bytes:
    """The text of an iTXt chunk (PNG 1.2, 4.2.3.3)."""
    rest = content[len(_KEYWORD) :]
    parts = rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        raise SkippedFile("its XMP is damaged")
    if rest[0] != 1:
        return parts[2]
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(parts[2], _MOST)
    except zlib.error:
        raise SkippedFile("its XMP is damaged") from None
    if not unpacker.eof:
        raise SkippedFile("its XMP is damaged or too large")
    return text


def _chunk(packet: bytes) -> bytes:
    body = b"iTXt" + _KEYWORD + b"\0\0\0\0" + packet
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
