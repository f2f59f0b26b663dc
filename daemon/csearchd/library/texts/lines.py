"""A line of words that was recognised in a picture."""

from __future__ import annotations

from typing import NamedTuple


class TextLine(NamedTuple):
    """Words in one line, where they stand and how sure the recogniser is."""

    text: str  # NFC
    box: tuple[
        float, ...
    ]  # four corners x, y clockwise from the text's top left, 0 to 1 of the displayed size
    confidence: float  # 0 to 1
    script: str  # ISO 15924, such as "Latn"; "" for digits and signs alone
