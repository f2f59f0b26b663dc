"""What is looked for among the words of pictures, and how it is compared with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from csearchd.library.texts.lines import TextLine
from csearchd.library.texts.tokens import (
    MAX_WORD,
    has_parts,
    is_near,
    is_one_off,
    words_of,
)
from csearchd.library.words.tokens import is_unspaced

MIN_TYPO = 6  # letters of a word in which any letter may be wrong


class TextPattern:
    """Words that follow one another, the first and the last of which may be parts of words.

    Case, accents, hyphens and blanks count for nothing, and a character may be one that looks
    alike.
    """

    def __init__(self, text: str) -> None:
        self.words = words_of(text)
        self.joined = "".join(self.words)

    def __bool__(self) -> bool:
        return bool(self.words)

    @cached_property
    def units(self) -> list[str]:
        """The words; those of writing without blanks that follow one another are one unit, with
        blanks between them."""
        units: list[str] = []
        for before, word in zip(["", *self.words], self.words, strict=False):
            if before and is_unspaced(before) and is_unspaced(word):
                units[-1] += f" {word}"
            else:
                units.append(word)
        return units

    @property
    def is_one_word(self) -> bool:
        """Whether it needs no comparison with the words of a picture that has its units."""
        return len(self.units) == 1

    @property
    def has_parts(self) -> bool:
        """Whether it may be a part of a word."""
        return len(self.joined) <= MAX_WORD and has_parts(self.joined)

    def is_in(self, words: Sequence[str], similar: Sequence[frozenset[str]] = ()) -> bool:
        """Whether words have it, one after the other.

        `similar`: for each of its units the words that count as that.
        """
        if is_near(self.joined, "".join(words)):
            return True
        if not similar:
            return False
        last = len(words) - len(similar)
        return any(
            all(words[start + at] in allowed for at, allowed in enumerate(similar))
            for start in range(last + 1)
        )

    def share(self, words: Sequence[str]) -> float:
        """How much of it words have, from 0 to 1: what is shown for it is where most is."""
        if not words:
            return 0.0
        if is_near(self.joined, "".join(words)):
            return 1.0
        met = sum(any(_is_alike(wanted, word) for word in words) for wanted in self.words)
        return 0.9 * met / len(self.words)


def _is_alike(wanted: str, word: str) -> bool:
    if wanted == word or (len(wanted) > 2 and is_near(wanted, word)):
        return True
    return len(wanted) >= MIN_TYPO and wanted.isalpha() and is_one_off(wanted, word)


def matching_lines(
    lines: Sequence[TextLine], patterns: Iterable[TextPattern], most: int
) -> list[TextLine]:
    """The lines, at most so many, that have most of the patterns, best first; the first of equal
    ones, and none that has nothing of them."""
    wanted = [pattern for pattern in patterns if pattern]
    rated = []
    for line in lines:
        words = words_of(line.text)
        rated.append((sum(one.share(words) for one in wanted), line))
    ranked = sorted(rated, key=lambda pair: -pair[0])[:most]
    return [line for share, line in ranked if share > 0]
