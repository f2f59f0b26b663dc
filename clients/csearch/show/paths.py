"""File names for people: relative, printable, and no wider than there is room."""

from __future__ import annotations

import os

_ELLIPSIS = "…"
_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\e", "\\": "\\\\", "'": "\\'"}
_UNQUOTED = frozenset(b"/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def shortest(path: bytes, directory: bytes) -> bytes:
    """`path`, or the way to it from `directory` where that is shorter."""
    relative = os.path.relpath(path, directory)
    return relative if len(relative) < len(path) else path


def printable(path: bytes) -> str:
    """`path` as text that is safe on a terminal.

    A name with control characters, invisible ones or invalid UTF-8 is written as the shell's
    $'…', which can be pasted.
    """
    text = path.decode("utf-8", "surrogateescape")
    if text.isprintable() or all(_visible(character) for character in text):
        return text
    return "$'" + "".join(_escaped(character) for character in text) + "'"


def _visible(character: str) -> bool:
    if character.isprintable():
        return True
    import unicodedata

    # Other blanks than the common one, and the joiners of emoji, are common in names.
    return unicodedata.category(character) == "Zs" or character in "\u200c\u200d"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if _visible(character):
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def width(text: str) -> int:
    """The columns that `text` takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    import unicodedata

    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 0 if unicodedata.category(character) in ("Mn", "Me", "Cf") else 1


def shorten(text: str, room: int) -> str:
    """`text` in at most `room` columns; what is left out of its middle is shown as `…`.

    The file's name at the end is kept whole where at least a few columns remain for the beginning.
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
    """The longest beginning of `text` that takes at most `room` columns."""
    if text.isascii():
        return text[: max(room, 0)]
    taken = 0
    for index, character in enumerate(text):
        taken += _columns(character)
        if taken > room:
            return text[:index]
    return text


def file_uri(path: bytes) -> str:
    """The file: URI of an absolute path, with this host's name (RFC 8089), as OSC 8 wants it."""
    quoted = "".join(chr(byte) if byte in _UNQUOTED else f"%{byte:02X}" for byte in path)
    return f"file://{os.uname().nodename}{quoted}"
