"""Texts in character sets with letters of several bytes, of which a byte here and there is damaged.

Such a byte is none of any letter, or it takes a byte of the next one, which takes one of the next
but one, and so on up to the next blank. So a text is cut into letters such that most of them are in
everyday use, and as few bytes as possible are left over, which are damaged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

NAMES = ("gb18030", "cp932", "euc-jp")
# Between blanks, controls, and marks and digits that are no second byte of a letter: letters stay
# together.
_PART = re.compile(rb"[\0-\x2f]+|[^\0-\x2f]+")
_EVERYDAY, _RARE, _ODD, _DAMAGED = 0, 3, 6, 10  # costs
_BESIDE = 2  # how much less a byte costs that stands beside one that isn't of a letter
_FEWEST = 4  # letters by which a character set is known, and for each damaged byte
_NO_LETTER = frozenset((*range(0x40), 0x80, 0xA0, 0xFF))
_REPLACEMENT = "\ufffd"


class Reading(NamedTuple):
    """A text with U+FFFD in place of damaged bytes; the others; and how many there are of each.

    `cost`: the less, the likelier is the character set.
    """

    text: str
    whole: bytes
    everyday: int  # letters of several bytes that are in everyday use
    damaged: int  # bytes
    cost: int

    @property
    def is_plain(self) -> bool:
        """Whether nearly all letters are in everyday use, as no other text comes out by chance."""
        return self.everyday >= _FEWEST and self.cost <= 2 * self.everyday

    @property
    def is_mended(self) -> bool:
        """Whether a few bytes are damaged."""
        return 0 < _FEWEST * self.damaged <= self.everyday


def read(data: bytes, name: str) -> Reading:
    """A text in the character set `name`, one of NAMES. A megabyte may take two seconds."""
    parts = [_part(part, name) for part in _PART.findall(data)]
    return Reading(
        "".join(part.text for part in parts),
        b"".join(part.whole for part in parts),
        sum(part.everyday for part in parts),
        sum(part.damaged for part in parts),
        sum(part.cost for part in parts),
    )


def _part(data: bytes, name: str) -> Reading:
    if data.isascii():
        return Reading(data.decode("ascii"), data, 0, 0, 0)
    size = len(data)
    # From the end: the least cost of the rest at each place, and the letter there; "" for damage.
    costs = [0] * (size + 1)
    letters = [("", 1)] * size
    for at in range(size - 1, -1, -1):
        beside = not 0 < at < size - 1 or not _NO_LETTER.isdisjoint(data[at - 1 : at + 2])
        costs[at] = costs[at + 1] + _DAMAGED - _BESIDE * beside
        for width in (1, 2, 4) if name == "gb18030" else (1, 2, 3) if name == "euc-jp" else (1, 2):
            if at + width > size:
                break
            letter, cost = _letter(data[at : at + width], name)
            if letter and costs[at + width] + cost < costs[at]:
                costs[at] = costs[at + width] + cost
                letters[at] = letter, width
    text: list[str] = []
    whole: list[bytes] = []
    everyday = damaged = at = 0
    while at < size:
        letter, width = letters[at]
        if letter:
            text.append(letter)
            whole.append(data[at : at + width])
            everyday += width > 1 and _letter(whole[-1], name)[1] == _EVERYDAY
        else:
            damaged += 1
            if text[-1:] != [_REPLACEMENT]:
                text.append(_REPLACEMENT)
        at += width
    return Reading("".join(text), b"".join(whole), everyday, damaged, costs[0])


@lru_cache(maxsize=1 << 15)
def _letter(data: bytes, name: str) -> tuple[str, int]:
    """The letter that some bytes are, and what it costs to take them for it; "" for none."""
    if len(data) == 1 and data < b"\x80":
        return data.decode("ascii"), _EVERYDAY
    try:
        letter = data.decode(name)
    except UnicodeDecodeError:
        return "", 0
    if len(letter) != 1 or not (letter.isprintable() or letter.isspace()):
        return "", 0
    if len(data) != 2:
        return letter, _ODD
    return letter, _COSTS[name](*data)


def _of_gb18030(first: int, second: int) -> int:
    """GB 2312: marks, Kana, hanzi of level 1 and of level 2; GBK has all others."""
    if second < 0xA1:
        return _ODD
    if 0xB0 <= first <= 0xD7 or first in (0xA1, 0xA3, 0xA4, 0xA5):
        return _EVERYDAY
    return _RARE if 0xD8 <= first <= 0xF7 else _ODD


def _of_cp932(first: int, second: int) -> int:
    """JIS X 0208: marks, Kana and kanji of level 1; kanji of level 2; others."""
    if first in (0x81, 0x82, 0x83) or 0x889F <= first << 8 | second <= 0x9872:
        return _EVERYDAY
    return _RARE if 0x989F <= first << 8 | second <= 0xEAA4 else _ODD


def _of_euc_jp(first: int, second: int) -> int:
    if first in (0xA1, 0xA3, 0xA4, 0xA5) or 0xB0 <= first <= 0xCF:
        return _EVERYDAY
    return _RARE if 0xD0 <= first <= 0xF4 else _ODD


_COSTS: dict[str, Callable[[int, int], int]] = {
    "gb18030": _of_gb18030,
    "cp932": _of_cp932,
    "euc-jp": _of_euc_jp,
}
