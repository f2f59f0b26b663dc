"""Text chunks of PNG files (PNG 1.2, section 4.2.3), where metadata are kept."""

from __future__ import annotations

import zlib

TEXTS = (b"tEXt", b"zTXt", b"iTXt")
XMP_TEXT = b"XML:com.adobe.xmp"
MAX_BYTES = 16 << 20  # of a compressed text that are looked at


def keyword(content: memoryview) -> bytes:
    """What a text chunk is about."""
    return bytes(content[:80]).partition(b"\0")[0]


def text(kind: bytes, content: memoryview) -> bytes:
    """The text of a text chunk. Raises zlib.error where it is damaged."""
    rest = bytes(content).partition(b"\0")[2]
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _inflate(rest[1:])
    compressed = rest[:1] == b"\1"
    language_and_text = rest[2:].split(b"\0", 2)[-1]
    return _inflate(language_and_text) if compressed else language_and_text


def raw_profile(text: bytes) -> bytes:
    """A profile as ImageMagick writes it: its name and length in lines, then hexadecimal digits.

    Raises ValueError where it is damaged.
    """
    return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode("ascii"))


def _inflate(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, MAX_BYTES)
