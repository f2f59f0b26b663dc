"""Texts in EXIF data that aren't in ASCII: of Windows, and the user's comment (EXIF 3.0, 4.6.6)."""

from __future__ import annotations

from typing import Any

from csearchd.metadata.texts import charsets

_HEAD = 8  # bytes that tell the character set of a comment
_MAX_BYTES = 1 << 16  # of a comment that are read
_JIS, _UNICODE = b"JIS\0\0\0\0\0", b"UNICODE\0"
_PRINTABLE = 0.9  # of the characters of what is a text


def windows_text(value: Any) -> str | None:
    """The text of XPTitle and its like, which are in UTF-16; None without one."""
    return charsets.utf16(value, "<").partition("\0")[0] if isinstance(value, bytes) else None


def user_comment(value: Any, order: str) -> str | None:
    """The text of UserComment in EXIF data of a byte order, "<" or ">"; None without one.

    Some programs write what they like, so that what doesn't look like a text isn't one.
    """
    if not isinstance(value, bytes):
        return None
    value = value[:_MAX_BYTES]
    head, body = value[:_HEAD], value[_HEAD:]
    if head == _UNICODE:
        text = charsets.utf16(body, charsets.utf16_order(body, order))
    elif head == _JIS:
        text = charsets.japanese(body.rstrip(b"\0 "))
    elif head.upper().rstrip(b"\0 ") in (b"ASCII", b""):
        text = charsets.decoded(body.partition(b"\0")[0])
    else:
        text = charsets.decoded(value.partition(b"\0")[0])
    text = text.partition("\0")[0].strip()
    printable = sum(c.isprintable() or c.isspace() for c in text)
    return text if text and printable >= _PRINTABLE * len(text) else None
