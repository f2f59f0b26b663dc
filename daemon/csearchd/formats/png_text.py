"""Text chunks of PNG files (PNG 1.2, section 4.2.3), where metadata are kept."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator

TEXTS = (b"tEXt", b"zTXt", b"iTXt")
XMP_TEXT = b"XML:com.adobe.xmp"
MAX_BYTES = 16 << 20  # of a compressed text that are looked at


_MOST = 16  # texts of a file that are looked at


def texts(
    chunks: Iterable[tuple[bytes, memoryview]], wanted: Collection[bytes]
) -> Iterator[tuple[bytes, bytes]]:
    """Keyword and text of a file's text chunks with those keywords, as far as they are whole.

    No more than MAX_BYTES in all: a small file can hold very many that are very large.
    """
    count, left = 0, MAX_BYTES
    for kind, content in chunks:
        if kind not in TEXTS or (key := keyword(content)) not in wanted:
            continue
        count += 1
        if count > _MOST:
            return
        try:
            found = text(kind, content, left)
        except zlib.error:
            continue
        left -= len(found)
        yield key, found
        if left <= 0:
            return


def keyword(content: memoryview) -> bytes:
    """What a text chunk is about."""
    return bytes(content[:80]).partition(b"\0")[0]


def text(kind: bytes, content: memoryview, most: int = MAX_BYTES) -> bytes:
    """The text of a text chunk, up to so many bytes. Raises zlib.error where it is damaged."""
    rest = bytes(content).partition(b"\0")[2]
    if kind == b"tEXt":
        return rest[:most]
    if kind == b"zTXt":
        return _inflate(rest[1:], most)
    compressed = rest[:1] == b"\1"
    language_and_text = rest[2:].split(b"\0", 2)[-1]
    return _inflate(language_and_text, most) if compressed else language_and_text[:most]


def raw_profile(text: bytes) -> bytes:
    """A profile as ImageMagick writes it: its name and length in lines, then hexadecimal digits.

    Raises ValueError where it is damaged.
    """
    digits = b"".join(text.split(b"\n", 3)[3:])  # in lines, as `fromhex` takes them too
    return bytes.fromhex(digits.decode("ascii"))


def _inflate(data: bytes, most: int) -> bytes:
    return zlib.decompressobj().decompress(data, most)
