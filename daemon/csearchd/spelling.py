"""Names and keywords as they are compared: without case, and "é" is the same as one character and
as two (Unicode Standard Annex 15, normalisation form C)."""

from __future__ import annotations

import re
import unicodedata

_ACCENTS = re.compile("[\u0300-\u036f]+")
# Letters that have no accent of their own in Unicode.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"}
)


def composed(text: str) -> str:
    """The text in normalisation form C, in which names and keywords are stored and shown."""
    return unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """The text case-folded and composed, as it is compared."""
    return composed(composed(text).casefold())


def unaccented(text: str) -> str:
    """The text as filters compare it: folded, and Latin, Greek and Cyrillic letters without their
    accents, so that "Osterreich" is "Österreich"."""
    plain = text.casefold()
    if plain.isascii():
        return plain
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", plain))
    return composed(bare.casefold()).translate(_LETTERS)
