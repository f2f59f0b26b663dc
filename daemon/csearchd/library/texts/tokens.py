"""Cuts recognised lines into words, and tells which words may be the same, wrongly recognised.

Words are folded as those of names are (csearchd.library.words.tokens). They keep their order, so
that phrases can be found. Characters of writing without blanks are words of their own. After them
follow compounds: words that only a sign separates ("Wi-Fi" is "wifi", too), and groups of digits
that blanks separate ("DE89 3704").

A recogniser takes some characters for others that look the same. Words with the same skeleton
differ only in these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from csearchd.library.words.tokens import folded, is_unspaced, runs

MAX_WORD = 64  # characters; more are cut off
_MAX_WORDS = 20_000  # of a picture
_SIGN = re.compile(r"(?<=\w)[-‐‑–_./:'’·](?=\w)")
_HAS_DIGIT = re.compile(r"\d")
_ALIKE = str.maketrans("01i2589", "ollzsbg")
_PAIRS = {"rn": "m", "vv": "w", "cl": "d"}
_PAIR = re.compile("rn|vv|cl")


def words_of(text: str) -> list[str]:
    """The words of a text in their order, without compounds."""
    found: list[str] = []
    for run in runs(text):
        plain = folded(run)
        if is_unspaced(run):
            found.extend(plain)
        elif plain:
            found.append(plain[:MAX_WORD])
    return found


def words_of_lines(lines: Iterable[str]) -> list[str]:
    """The words of lines in their order, and their compounds after them."""
    found: list[str] = []
    compounds: dict[str, None] = {}
    for line in lines:
        found += words_of(line)
        compounds.update(dict.fromkeys(_compounds(line)))
        if len(found) >= _MAX_WORDS:
            break
    return [*found[:_MAX_WORDS], *list(compounds)[:_MAX_WORDS]]


def _compounds(line: str) -> Iterator[str]:
    group: list[str] = []  # neighbours with digits
    for piece in [*line.split(), ""]:
        joined = "".join(words_of(piece))[:MAX_WORD]
        if joined and _SIGN.search(piece):
            yield joined
        if joined and _HAS_DIGIT.search(joined):
            group.append(joined)
            continue
        if len(group) > 1:
            yield "".join(group)[:MAX_WORD]
        group = []


def has_parts(word: str) -> bool:
    """Whether parts of a word may be looked for."""
    return len(word) > 2 and not is_unspaced(word)


def skeleton(word: str) -> str:
    """A word with one character for all those that look like it."""
    return _PAIR.sub(lambda match: _PAIRS[match[0]], word.translate(_ALIKE))


def is_near(wanted: str, word: str) -> bool:
    """Whether a word has `wanted` in it, perhaps with characters that were mistaken for others.

    Both are folded. In words of less than five characters a letter isn't taken for another letter:
    "corn" isn't in "com".
    """
    if wanted in word:
        return True
    sought = skeleton(wanted)
    if sought not in skeleton(word):  # which is told much sooner than where
        return False
    plain, places = _with_places(word)
    start = plain.find(sought)
    while start >= 0:
        part = word[places[start] : places[start + len(sought)]]
        if _is_mistaken(wanted, part):
            return True
        start = plain.find(sought, start + 1)
    return False


def _with_places(word: str) -> tuple[str, list[int]]:
    """The skeleton of a word, and where in the word each of its characters, and its end, is."""
    plain = word.translate(_ALIKE)
    found, places, at = [], [], 0
    while at < len(plain):
        places.append(at)
        pair = _PAIRS.get(plain[at : at + 2])
        found.append(pair or plain[at])
        at += 2 if pair else 1
    return "".join(found), [*places, len(word)]


def _is_mistaken(wanted: str, part: str) -> bool:
    if len(wanted) < 5 and wanted.isalpha() and part.isalpha():
        return False
    most = 1 if len(wanted) < 5 else 2
    if len(wanted) == len(part):  # what takes one 0 for an O may take all of them
        pairs = zip(wanted, part, strict=True)
        if len({(one, other) for one, other in pairs if one != other}) <= most:
            return True
    return distance(wanted, part, most) <= most


def is_one_off(first: str, second: str) -> bool:
    """Whether two words differ by at most one character. Told soon, since one half is the same."""
    half = len(first) // 2
    same_half = second.startswith(first[:half]) or second.endswith(first[half:])
    return same_half and distance(first, second, 1) <= 1


def distance(first: str, second: str, most: int) -> int:
    """The least number of characters to add, delete or replace; `most` + 1 where it is more."""
    if abs(len(first) - len(second)) > most:
        return most + 1
    before = list(range(len(second) + 1))
    for row, one in enumerate(first, 1):
        here = [row]
        for column, other in enumerate(second, 1):
            here.append(min(before[column] + 1, here[-1] + 1, before[column - 1] + (one != other)))
        if min(here) > most:
            return most + 1
        before = here
    return before[-1]
