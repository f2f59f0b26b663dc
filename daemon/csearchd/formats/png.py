"""PNG (ISO/IEC 15948): its chunks, its pixels, and the XMP and IPTC data in its text chunks.

XMP is in an iTXt chunk (XMP specification part 3, 1.1.5). ImageMagick and exiftool keep EXIF and
IPTC data as "raw profiles", which are text chunks too.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterator
from typing import NamedTuple

from csearchd.errors import MalformedError, UneditableError
from csearchd.formats import photoshop
from csearchd.formats.parsing import MAX_PARTS, MetadataBlocks, Parts

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEYWORD = b"XML:com.adobe.xmp"
MAX_TEXT_BYTES = 16 << 20  # of all texts of a file, decompressed
_XMP_HEAD = XMP_KEYWORD + b"\0"
_MAX_TEXTS = 16  # of a file
_MAX_KEYWORD = 80  # bytes, with its NUL
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# Everything that isn't known to be only descriptive determines the pixels.
_DESCRIPTIVE = {*_TEXTS, b"tIME", b"pHYs", b"eXIf", b"dSIG", b"caBX", b"IEND"}
_STILL = {b"IHDR", b"PLTE", b"tRNS", b"IDAT"}
_RAW_EXIF, _RAW_IPTC = b"Raw profile type exif", b"Raw profile type iptc"
_RAW_XMP = (b"Raw profile type xmp\0", b"Raw profile type APP1\0")
_HEAD = struct.Struct(">I4s")  # a chunk's length and type
_HEADER_END = len(SIGNATURE) + 25  # behind IHDR, which is always first
_DAMAGED = "it is truncated or damaged"


class Chunk(NamedTuple):
    """A chunk's type, content, and where it begins and ends with length and checksum."""

    kind: bytes
    content: memoryview
    start: int
    end: int


def chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks up to IEND; checksums are not compared.

    Raises MalformedError where a chunk doesn't fit into the file, or IEND is missing.
    """
    view = memoryview(data)
    start = len(SIGNATURE)
    if data[:start] != SIGNATURE:
        raise MalformedError
    for _ in range(MAX_PARTS):
        if start + 12 > len(data):
            break
        length, kind = _HEAD.unpack_from(data, start)
        end = start + 12 + length
        if end > len(data):
            raise MalformedError
        yield Chunk(kind, view[start + 8 : end - 4], start, end)
        if kind == b"IEND":
            return
        start = end
    raise MalformedError


def is_whole(data: bytes) -> bool:
    """Whether all chunks up to IEND are in the file."""
    try:
        return any(chunk.kind == b"IEND" for chunk in chunks(data))
    except MalformedError:
        return False


def salvaged(data: bytes) -> Iterator[bytes]:
    """A file that may be decoded where this one can't, which is damaged or broken off.

    It has only the chunks that a still picture needs, as far as they are in the file, and right
    checksums; a colour profile only in the first of two.
    """
    for kept in (_STILL | {b"iCCP"}, _STILL):
        found = [chunk for chunk in _available(data) if chunk[0] in kept]
        yield SIGNATURE + b"".join(_encoded(*chunk) for chunk in found) + _encoded(b"IEND", b"")


def _available(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of the chunks, the last of which may be broken off."""
    start = len(SIGNATURE)
    try:
        for kind, content, _, end in chunks(data):
            yield kind, bytes(content)
            start = end
    except MalformedError:
        if start + 8 < len(data):
            length, kind = _HEAD.unpack_from(data, start)
            yield kind, data[start + 8 : start + 8 + length]


def pixel_parts(data: bytes) -> Parts:
    """All chunks but the descriptive ones, without their checksums. Raises MalformedError."""
    for kind, content, _, _ in chunks(data):
        if kind not in _DESCRIPTIVE:
            yield kind + len(content).to_bytes(4, "big")
            yield content


def metadata_blocks(data: bytes) -> MetadataBlocks:
    """XMP and IPTC, from the chunks before the first one that doesn't parse.

    Raises ValueError where a raw profile is damaged.
    """
    blocks = MetadataBlocks()
    try:
        for keyword, text in texts(data, (XMP_KEYWORD, _RAW_IPTC)):
            if keyword == XMP_KEYWORD:
                blocks.xmp.append(text)
            else:
                blocks.iptc = photoshop.iptc_block(raw_profile(text))
    except MalformedError:
        pass
    return blocks


def exif_payload(data: bytes) -> tuple[bytes | None, bytes]:
    """EXIF data, None where there are none, and the last XMP packet, b"" without one.

    The chunk eXIf comes before the raw profile, of which the first counts. A file that breaks off
    has what stands before that. Raises ValueError where a raw profile is damaged.
    """
    exif, packet = None, b""
    try:
        exif = next((bytes(chunk.content) for chunk in chunks(data) if chunk.kind == b"eXIf"), None)
    except MalformedError:
        pass
    try:
        for keyword, text in texts(data, (_RAW_EXIF, XMP_KEYWORD)):
            if keyword == XMP_KEYWORD:
                packet = text
            elif exif is None:
                exif = raw_profile(text)
    except MalformedError:
        pass
    return exif, packet


def texts(data: bytes, keywords: Collection[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Keyword and text of the text chunks with one of `keywords`; damaged ones are left out.

    No more than 16 texts and MAX_TEXT_BYTES in all: a small file can hold very many that are very
    large. Raises MalformedError where the chunks don't parse.
    """
    count, left = 0, MAX_TEXT_BYTES
    for kind, content, _, _ in chunks(data):
        if kind not in _TEXTS or (keyword := _keyword(content)) not in keywords:
            continue
        count += 1
        if count > _MAX_TEXTS:
            return
        try:
            text, _ = _text(kind, content, left)
        except zlib.error:
            continue
        left -= len(text)
        yield keyword, text
        if left <= 0:
            return


def raw_profile(text: bytes) -> bytes:
    """The profile in a text of ImageMagick's: lines of name and length, then hexadecimal digits.

    Raises ValueError where it is damaged.
    """
    digits = b"".join(text.split(b"\n", 3)[3:])  # in lines, as `fromhex` takes them too
    return bytes.fromhex(digits.decode("ascii"))


def read_xmp(data: bytes) -> bytes | None:
    """The XMP packet; None where there is none. Raises UneditableError."""
    chunk = _xmp_chunk(data)
    if chunk is None:
        return None
    if bytes(chunk.content[len(_XMP_HEAD) + 2 :]).count(b"\0") < 2:
        raise UneditableError("its XMP is damaged")
    try:
        text, is_whole = _text(chunk.kind, chunk.content, MAX_TEXT_BYTES)
    except zlib.error:
        raise UneditableError("its XMP is damaged") from None
    if not is_whole:
        raise UneditableError("its XMP is damaged or too large")
    return text


def with_xmp(data: bytes, packet: bytes | None) -> bytes:
    """The file with this XMP packet, or without one. Raises UneditableError."""
    chunk = _xmp_chunk(data)
    start, end = (chunk.start, chunk.end) if chunk else (_HEADER_END, _HEADER_END)
    new = b"" if packet is None else _encoded(b"iTXt", _XMP_HEAD + b"\0\0\0\0" + packet)
    return data[:start] + new + data[end:]


def _xmp_chunk(data: bytes) -> Chunk | None:
    """The chunk with the XMP packet of a file that is whole, with right checksums."""
    found: list[Chunk] = []
    try:
        for chunk in chunks(data):
            kind, content, start, end = chunk
            if start == len(SIGNATURE) and (kind, len(content)) != (b"IHDR", 13):
                raise MalformedError
            if zlib.crc32(data[start + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
                raise MalformedError
            if kind == b"iTXt" and bytes(content[: len(_XMP_HEAD)]) == _XMP_HEAD:
                found.append(chunk)
            elif kind in (b"tEXt", b"zTXt") and bytes(content[:24]).startswith(_RAW_XMP):
                raise UneditableError("its XMP is hidden in a text, as ImageMagick writes it")
    except MalformedError:
        raise UneditableError(_DAMAGED) from None
    if len(found) > 1:
        raise UneditableError("it has several XMP packets")
    return found[0] if found else None


def _encoded(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def _keyword(content: memoryview) -> bytes:
    """The keyword of a text chunk."""
    return bytes(content[:_MAX_KEYWORD]).partition(b"\0")[0]


def _text(kind: bytes, content: memoryview, max_bytes: int) -> tuple[bytes, bool]:
    """The text of a text chunk (PNG, third edition, 11.3.3), up to so many bytes.

    Also whether it is whole. Raises zlib.error where it is damaged.
    """
    rest = bytes(content).partition(b"\0")[2]
    if kind == b"tEXt":
        is_compressed = False
    elif kind == b"zTXt":  # compression method
        is_compressed, rest = True, rest[1:]
    else:  # compression flag and method, language, translated keyword
        is_compressed = rest[:1] == b"\1"
        rest = rest[2:].split(b"\0", 2)[-1]
    if not is_compressed:
        return rest[:max_bytes], len(rest) <= max_bytes
    unpacker = zlib.decompressobj()
    return unpacker.decompress(rest, max_bytes), unpacker.eof
