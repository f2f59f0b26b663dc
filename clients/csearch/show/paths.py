"""Formats paths: relative, shortened to a width, and as URIs."""

from __future__ import annotations

import os

_ELLIPSIS = "…"
_UNQUOTED = frozenset(b"/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def shortest(path: bytes, directory: bytes) -> bytes:
    """`path`, or its relative form from `directory` if that is shorter."""
    relative = os.path.relpath(path, directory)
    return relative if len(relative) < len(path) else path


def width(text: str) -> int:
    """The width of `text` in columns."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    import unicodedata

    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 0 if unicodedata.category(character) in ("Mn", "Me", "Cf") else 1


def shorten(text: str, room: int) -> str:
    """`text` in at most `room` columns, with `…` in place of what is left out of the middle.

    The file name at the end is kept as a whole unless it takes nearly all of the room.
    """
    if width(text) <= room:
        return text
    if room < 1:
        return ""
    name = width(text[text.rfind("/") :])
    tail_room = min(max(name, 2 * room // 3), room - 1)
    tail = _start(text[::-1], tail_room)[::-1]
    head = _start(text, room - 1 - width(tail))
    return head + _ELLIPSIS + tail


def _start(text: str, room: int) -> str:
    """The longest beginning of `text` that fits into `room` columns."""
    if text.isascii():
        return text[: max(room, 0)]
    taken = 0
    for index, character in enumerate(text):
        taken += _columns(character)
        if taken > room:
            return text[:index]
    return text


def file_uri(path: bytes) -> str:
    """The file: URI (RFC 8089) of an absolute path, with the host name that OSC 8 requires."""
    quoted = "".join(chr(byte) if byte in _UNQUOTED else f"%{byte:02X}" for byte in path)
    return f"file://{os.uname().nodename}{quoted}"
