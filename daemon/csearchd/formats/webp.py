"""WebP (RFC 9649, a RIFF file): its chunks, its pixels, and the XMP in it.

XMP is in a chunk "XMP " near the end, which a flag in the chunk VP8X announces.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from csearchd.errors import MalformedError, UneditableError
from csearchd.formats.parsing import MAX_PARTS, MetadataBlocks, Parts

_CODED = {b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF"}
_PICTURES = (b"VP8 ", b"VP8L")
_EXTENDED, _XMP = b"VP8X", b"XMP "
_HEAD = struct.Struct("<4sI")  # a chunk's type and length
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10
_FRAME_HEADER = 16  # bytes of an ANMF before its chunks
_MAX_FILLING = 16 << 20
_DAMAGED = "it is truncated or damaged"


class Chunk(NamedTuple):
    """A chunk's type, content, and where it begins and ends with its header and padding."""

    kind: bytes
    content: memoryview
    start: int
    end: int


def chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks of the RIFF file, the last of which may end behind the size that RIFF states.

    Raises MalformedError where `data` isn't a WebP file or ends before a chunk does.
    """
    view = memoryview(data)
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or (end := _riff_end(data)) > len(data):
        raise MalformedError
    start = 12
    for _ in range(MAX_PARTS):
        if start + 8 > end:
            return
        kind, length = _HEAD.unpack_from(data, start)
        content = view[start + 8 : start + 8 + length]
        if len(content) < length:
            raise MalformedError
        after = start + 8 + length + (length & 1)
        yield Chunk(kind, content, start, after)
        start = after
    if start + 8 <= end:
        raise MalformedError


def _riff_end(data: bytes) -> int:
    return 8 + int.from_bytes(data[4:8], "little")


def pixel_parts(data: bytes) -> Parts:
    """Coded data, alpha, animation and colour profile. Raises MalformedError.

    Not VP8X: adding metadata adds it, and sets flags in it. Only an animation has a canvas that
    isn't its picture's, so there the size in VP8X counts.
    """
    canvas, coded = b"", False
    for kind, content, _, _ in chunks(data):
        if kind == _EXTENDED:
            canvas = bytes(content[4:10])
        elif kind in _CODED:
            coded = True
            if kind == b"ANIM":
                yield canvas
            yield kind + len(content).to_bytes(4, "little")
            yield content
    if not coded:
        raise MalformedError


def reaches_end(data: bytes) -> bool:
    """Whether all chunks are in the file; a padding byte may lack at its end."""
    try:
        return bool(list(chunks(data)))
    except MalformedError:
        pass
    try:
        last = list(chunks(data + b"\0"))[-1]
        return last.end == len(data) + 1 and len(last.content) % 2 == 1
    except (MalformedError, IndexError):
        return False


def salvaged(data: bytes) -> Iterator[bytes]:
    """A file that may be decoded where this one can't, since it breaks off.

    It has the first picture, filled up with zeros, which decode to what continues the picture;
    of an animation that is the first frame, without its place on the canvas.
    """
    found: dict[bytes, bytes] = {}
    for kind, content in _available(data, 12):
        if kind == b"ANMF":
            for inner, inner_content in _available(content, _FRAME_HEADER):
                found.setdefault(inner, inner_content)
        elif kind in (b"ALPH", *_PICTURES):
            found.setdefault(kind, content)
        if found.keys() & set(_PICTURES):
            break
    kept = [(kind, found[kind]) for kind in (b"ALPH", b"VP8 ", b"VP8L") if kind in found]
    if not kept:
        return
    encoded = [_encoded(*chunk) for chunk in kept]
    if len(kept) > 1:
        kind, content = kept[-1]
        header = bytearray(_extended_header(Chunk(kind, memoryview(content), 0, 0)))
        header[8] = _ALPHA_FLAG
        encoded.insert(0, bytes(header))
    body = b"WEBP" + b"".join(encoded)
    yield b"RIFF" + struct.pack("<I", len(body)) + body


def _available(data: bytes, start: int) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of the chunks from `start` on; one that breaks off is filled up.

    It gets more than it lacks: what is put in place of coded data may need more bits.
    """
    for _ in range(MAX_PARTS):
        if start + 8 > len(data):
            return
        kind, length = _HEAD.unpack_from(data, start)
        content = data[start + 8 : start + 8 + length]
        lacking = length - len(content)
        yield kind, content + bytes(min(lacking + length, _MAX_FILLING) if lacking else 0)
        start += 8 + length + (length & 1)


def _encoded(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) & 1)


def metadata_blocks(data: bytes) -> MetadataBlocks:
    """The first XMP packet, where VP8X announces one. Never raises."""
    announced = False
    try:
        for kind, content, _, _ in chunks(data):
            if kind == _EXTENDED:
                announced = bool(content and content[0] & _XMP_FLAG)
            elif kind == _XMP and announced:
                return MetadataBlocks([bytes(content)])
    except MalformedError:
        pass
    return MetadataBlocks()


def read_xmp(data: bytes) -> bytes | None:
    """The XMP packet; None where there is none. Raises UneditableError."""
    return next((bytes(chunk.content) for chunk in _checked(data) if chunk.kind == _XMP), None)


def with_xmp(data: bytes, packet: bytes | None) -> bytes:
    """The file with this XMP packet, or without one. Raises UneditableError."""
    found = _checked(data)
    kept = [data[chunk.start : chunk.end] for chunk in found if chunk.kind != _XMP]
    if kept[0][:4] == _EXTENDED:
        flags = kept[0][8] & ~_XMP_FLAG | (_XMP_FLAG if packet is not None else 0)
        kept[0] = kept[0][:8] + bytes([flags]) + kept[0][9:]
    elif packet is not None:
        kept.insert(0, _extended_header(found[0]))
    if packet is not None:
        padding = b"\0" * (len(packet) & 1)
        kept.append(_XMP + struct.pack("<I", len(packet)) + packet + padding)
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body + data[found[-1].end :]


def _checked(data: bytes) -> list[Chunk]:
    """The chunks of a file that is whole. Raises UneditableError where it isn't."""
    try:
        found = list(chunks(data))
    except MalformedError:
        raise UneditableError(_DAMAGED) from None
    kinds = [chunk.kind for chunk in found]
    if not found or found[-1].end != _riff_end(data):
        raise UneditableError(_DAMAGED)
    if kinds[0] not in (_EXTENDED, b"VP8 ", b"VP8L"):
        raise UneditableError(_DAMAGED)
    if kinds.count(_XMP) > 1 or kinds.count(_EXTENDED) > 1:
        raise UneditableError("it has several XMP packets")
    return found


def _extended_header(first: Chunk) -> bytes:
    """The chunk VP8X that a file with metadata needs, for one that has only coded data."""
    content = bytes(first.content[:10])
    flags, width, height = _XMP_FLAG, 0, 0
    if len(content) < 5:
        raise UneditableError(_DAMAGED)
    if first.kind == b"VP8 ":  # RFC 6386, 9.1
        if content[3:6] != b"\x9d\x01\x2a" or len(content) < 10:
            raise UneditableError(_DAMAGED)
        width, height = (size & 0x3FFF for size in struct.unpack_from("<HH", content, 6))
    else:  # RFC 9649, 3.4
        if content[0] != 0x2F:
            raise UneditableError(_DAMAGED)
        bits = int.from_bytes(content[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        flags |= _ALPHA_FLAG if bits >> 28 & 1 else 0
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return _EXTENDED + struct.pack("<I", 10) + bytes([flags, 0, 0, 0]) + size
