"""Texts whose character set nobody tells, or tells wrongly: of EXIF, IPTC and old sidecars.

UTF-8 is hardly ever mistaken. Other texts are guessed to be in one of the sets in which cameras and
older programs wrote, from all texts of a file together, since one is often too short: in one with
letters of several bytes, if these are letters in everyday use, else in the one that chardet finds.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from csearchd.metadata.texts import multibyte

_SETS = ("gb18030", "cp932", "cp1252")  # supersets of GBK, of Shift-JIS and of Latin-1
_JAPANESE = ("cp932", "euc-jp", "cp1252")
_MAX_MENDED = 1 << 16  # bytes in which damage is looked for, which takes time
_MAX_GUESSED = 4096  # bytes that a guess is made from
# Up to white space or markup, whose bytes are in no letter of several bytes
_WORD = re.compile(rb"""[^\0-\x20<>"'=&]+""")
_ESCAPED = re.compile(rb"(?:\A|\x1b(\$[@AB]|\([BJ]))([^\x1b]*)")
_FEW = 4  # letters beyond ASCII for each damaged one


def decoded(data: bytes) -> str:
    """A text in UTF-8, or in the character set that is guessed."""
    return decoded_alike([data])[0]


def decoded_alike(texts: Sequence[bytes]) -> list[str]:
    """Texts by one writer; those that are no UTF-8 are in one character set."""
    found = [_utf8(text) for text in texts]
    other = [text for text, known in zip(texts, found, strict=True) if known is None]
    name = _guessed(b"\n".join(other), _SETS) if other else ""
    left = _MAX_MENDED
    decoded_texts = []
    for text, known in zip(texts, found, strict=True):
        if known is None:
            left -= len(text)
            known = _in(text, name) if left >= 0 else text.decode(name, "replace")
        decoded_texts.append(known)
    return decoded_texts


def declared(data: bytes, name: str) -> str | None:
    """A text in the character set `name`; None where there is no such set or it doesn't fit."""
    try:
        return data.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None


def japanese(data: bytes) -> str:
    """A text that is in JIS (ISO 2022-JP), or in another Japanese set under its name."""
    if b"\x1b" in data:
        return _without_escapes(data)
    known = _utf8(data)
    return _in(data, _guessed(data, _JAPANESE)) if known is None else known


def _without_escapes(data: bytes) -> str:
    """A text in ISO 2022-JP, whose letters are damaged one by one."""
    if (text := declared(data, "iso2022_jp_ext")) is not None:
        return text
    found = []
    for escape, body in _ESCAPED.findall(data):
        if escape.startswith(b"$"):  # EUC has the same letters, with the highest bits set
            pairs = [
                bytes(byte | 0x80 for byte in body[at : at + 2]) for at in range(0, len(body), 2)
            ]
            found += [pair.decode("euc-jp", "replace")[:1] for pair in pairs]
        else:
            found.append(body.decode("ascii", "replace"))
    return "".join(found)


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
    letters = [letter for letter in text if not letter.isascii()]
    bad = letters.count("\ufffd")
    good = len(letters) - bad
    # What is UTF-8 by chance is seldom of Western Europe, and other bytes are more.
    western = all("\u00c0" <= letter <= "\u00ff" or letter == "\ufffd" for letter in letters)
    return text if bad * (1 if western else _FEW) <= good else None


def _guessed(data: bytes, names: tuple[str, ...]) -> str:
    if len(data) > _MAX_GUESSED:  # ASCII tells nothing
        words = (match[0] for match in _WORD.finditer(data) if not match[0].isascii())
        data = b"\n".join(itertools.islice(words, _MAX_GUESSED))[:_MAX_GUESSED]
    readings = {name: multibyte.read(data, name) for name in names if name in multibyte.NAMES}
    likely = [name for name, reading in readings.items() if reading.is_plain]
    if not likely:
        found = _detected(data, names)
        if found in readings and declared(data, found) is not None:
            return found
        mended = (name for name, reading in readings.items() if reading.is_mended)
        likely = [name for name in mended if _detected(readings[name].whole, names) == name]
    return min(likely, key=lambda name: readings[name].cost) if likely else "cp1252"


def _detected(data: bytes, names: tuple[str, ...]) -> str:
    """One of `names`; "" where nothing is known."""
    import chardet  # only when needed: it takes 35 MB of memory

    found = chardet.detect(data, include_encodings=names, prefer_superset=True)["encoding"]
    return (found or "").lower()


def _in(data: bytes, name: str) -> str:
    if name in multibyte.NAMES:
        return multibyte.read(data, name).text
    return data.decode(name, "replace")
