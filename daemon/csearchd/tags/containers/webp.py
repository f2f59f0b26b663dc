"""XMP in WebP: a chunk "XMP " at the end, and a flag for it (WebP container specification)."""

from __future__ import annotations

import struct

from csearchd.errors import SkippedFile

_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10

_Chunk = tuple[bytes, int, int]  # kind; where it begins and ends, with its padding


def read(data: bytes) -> bytes | None:
    for kind, start, _ in _chunks(data):
        if kind == b"XMP ":
            size = int.from_bytes(data[start + 4 : start + 8], "little")
            return data[start + 8 : start + 8 + size]
    return None


def write(data: bytes, packet: bytes | None) -> bytes:
    chunks = _chunks(data)
    kept = [data[start:end] for kind, start, end in chunks if kind != b"XMP "]
    if kept[0][:4] == b"VP8X":
        flags = kept[0][8] & ~_XMP_FLAG | (_XMP_FLAG if packet is not None else 0)
        kept[0] = kept[0][:8] + bytes([flags]) + kept[0][9:]
    elif packet is not None:
        kept.insert(0, _extended(data, chunks[0]))
    if packet is not None:
        padding = b"\0" * (len(packet) & 1)
        kept.append(b"XMP " + struct.pack("<I", len(packet)) + packet + padding)
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body + data[chunks[-1][2] :]


def _chunks(data: bytes) -> list[_Chunk]:
    end = 8 + int.from_bytes(data[4:8], "little")
    if data[8:12] != b"WEBP" or end > len(data):
        raise SkippedFile("it is truncated or damaged")
    found: list[_Chunk] = []
    at = 12
    while at < end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        after = at + 8 + size + (size & 1)
        if after > end:
            raise SkippedFile("it is truncated or damaged")
        found.append((data[at : at + 4], at, after))
        at = after
    kinds = [kind for kind, _, _ in found]
    if not kinds or kinds[0] not in (b"VP8X", b"VP8 ", b"VP8L"):
        raise SkippedFile("it is truncated or damaged")
    if kinds.count(b"XMP ") > 1 or kinds.count(b"VP8X") > 1:
        raise SkippedFile("it has several XMP packets")
    return found


def _extended(data: bytes, first: _Chunk) -> bytes:
    """The header that a file with metadata needs, for one that has only coded data."""
    kind, start, _ = first
    flags, width, height = _XMP_FLAG, 0, 0
    if kind == b"VP8 ":  # RFC 6386, 9.1
        if data[start + 11 : start + 14] != b"\x9d\x01\x2a":
            raise SkippedFile("it is truncated or damaged")
        width, height = (size & 0x3FFF for size in struct.unpack_from("<HH", data, start + 14))
    else:  # RFC 9649, 3.4
        if data[start + 8] != 0x2F:
            raise SkippedFile("it is truncated or damaged")
        bits = int.from_bytes(data[start + 9 : start + 13], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        flags |= _ALPHA_FLAG if bits >> 28 & 1 else 0
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X" + struct.pack("<I", 10) + bytes([flags, 0, 0, 0]) + size
