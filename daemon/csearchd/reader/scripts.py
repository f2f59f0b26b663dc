"""In which script a line of text is written, by the names of its letters in Unicode."""

from __future__ import annotations

import unicodedata
from collections import Counter

READABLE = ("Latn", "Hani", "Jpan", "")
"""What `script_of` gives of lines that the recogniser reads: it knows no accented Greek letters."""

_SCRIPTS = {"LATIN": "Latn", "GREEK": "Grek", "CJK": "Hani", "HIRAGANA": "Hira", "KATAKANA": "Kana"}


def script_of(text: str) -> str:
    """The ISO 15924 code of most letters of `text`; "" where there are none.

    Han characters beside kana are Japanese, "Jpan".
    """
    counts: Counter[str] = Counter()
    for character in text:
        if character.isalpha():
            name = unicodedata.name(character, "").removeprefix("HALFWIDTH ")
            first = name.removeprefix("FULLWIDTH ").split(" ")[0].split("-")[0]
            counts[_SCRIPTS.get(first, "")] += 1
    del counts[""]
    kana = counts.pop("Hira", 0) + counts.pop("Kana", 0)
    if kana:
        counts["Jpan"] = kana + counts.pop("Hani", 0)
    return max(counts, key=lambda script: counts[script], default="")
