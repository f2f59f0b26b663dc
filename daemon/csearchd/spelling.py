"""Names and keywords as they are compared: without case, and "é" is the same as one character and
as two (Unicode Standard Annex 15, normalisation form C)."""

from __future__ import annotations

import unicodedata


def composed(text: str) -> str:
    """The text in normalisation form C, in which names and keywords are stored and shown."""
    return unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """The text case-folded and composed, as it is compared."""
    return composed(composed(text).casefold())
