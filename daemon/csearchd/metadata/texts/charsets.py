"""Texts whose character set nobody tells, or tells wrongly: of EXIF, IPTC and old sidecars.

UTF-8 is hardly ever mistaken. Where bytes are no UTF-8, chardet guesses among the sets in which
cameras and older programs wrote, from all texts of a file together, since one is often too short.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

_SETS = ("gb18030", "cp932", "cp1252")  # supersets of GBK, of Shift-JIS and of Latin-1
_JAPANESE = ("cp932", "euc-jp")
_MAX_GUESSED = 4096  # bytes that a guess is made from
# Up to white space or markup, whose bytes are in no letter of several bytes
_WORD = re.compile(rb"""[^\0-\x20<>"'=&]+""")
_FEW = 4  # letters beyond ASCII for each damaged one


def decoded(data: bytes) -> str:
    """A text in UTF-8, or in the character set that is guessed."""
    return decoded_alike([data])[0]


def decoded_alike(texts: Sequence[bytes]) -> list[str]:
    """Texts by one writer; those that are no UTF-8 are in one character set."""
    found = [_utf8(text) for text in texts]
    other = [text for text, known in zip(texts, found, strict=True) if known is None]
    name = _guessed(other, _SETS) if other else ""
    return [
        _in(text, name) if known is None else known
        for text, known in zip(texts, found, strict=True)
    ]


def declared(data: bytes, name: str) -> str | None:
    """A text in the character set `name`; None where there is no such set or it doesn't fit."""
    try:
        return data.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None


def japanese(data: bytes) -> str:
    """A text that is in JIS (ISO 2022-JP), or in another Japanese set under its name."""
    if b"\x1b" in data and (text := declared(data, "iso2022_jp_ext")):
        return text
    known = _utf8(data)
    return _in(data, _guessed([data], _JAPANESE)) if known is None else known


def utf16(data: bytes, order: str) -> str:
    """A text in UTF-16 of a byte order, "<" or ">", unless it begins with a mark of another.

    One in ASCII is read too, as some programs write it in its place.
    """
    if b"\0" not in data and data.isascii():
        return data.decode("ascii")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        order, data = "<>"[data[0] == 0xFE], data[2:]
    return data[: len(data) & ~1].decode("utf-16-le" if order == "<" else "utf-16-be", "replace")


def utf16_order(data: bytes, order: str) -> str:
    """The byte order of a text in UTF-16 that may have another one than `order`.

    The bytes that tell the script differ less from each other than those that tell the letters.
    """
    first, second = len(set(data[::2])), len(set(data[1::2]))
    return ">" if 2 * first <= second else "<" if 2 * second <= first else order


def _utf8(data: bytes) -> str | None:
    """A text in UTF-8, even if its last letter was cut off or a few bytes are damaged; None if it
    is none."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        if error.reason == "unexpected end of data" and not before.isascii():
            return before.decode()
    text = data.decode(errors="replace")
    bad = text.count("\ufffd")
    good = len(text) - len(text.encode("ascii", "ignore")) - bad
    return text if bad * _FEW <= good else None


def _guessed(texts: Iterable[bytes], names: tuple[str, ...]) -> str:
    import chardet  # only when needed: it takes 35 MB of memory

    joined = b"\n".join(texts)
    if len(joined) > _MAX_GUESSED:  # ASCII tells nothing
        words = (match[0] for match in _WORD.finditer(joined) if not match[0].isascii())
        joined = b"\n".join(itertools.islice(words, _MAX_GUESSED))[:_MAX_GUESSED]
    found = chardet.detect(joined, include_encodings=names, prefer_superset=True)
    return found["encoding"] or "cp1252"


def _in(data: bytes, name: str) -> str:
    text = declared(data, name)
    return data.decode("latin-1") if text is None else text
