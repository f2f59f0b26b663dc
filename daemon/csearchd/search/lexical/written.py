"""Words of a query that stand in pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.library.texts.index import NONE
from csearchd.library.texts.pattern import TextPattern
from csearchd.library.words.tokens import folded, is_unspaced, runs
from csearchd.search.lexical.query_words import QueryWord
from csearchd.search.query_language.foreign import is_english

_MOST_CONTENTS = 20_000  # with a word; a more frequent one says too little for what it costs
_MOST_HINTED = 2000  # with a word that says something by itself
_MOST_COMPARED = 2000  # pictures whose words are compared with what may be quoted
_MIN_SIMILAR = 5  # letters of a word that a recogniser may have mistaken
_COMMON, _UNIQUE = 2.0, 12.0  # the bonus of what all pictures say, and of what only one says

Mask = NDArray[np.bool_]
Files = NDArray[np.int64]  # ids, ascending


class Shown(NamedTuple):
    """Candidates in whose pictures a word stands."""

    files: Files  # those that may be lifted by it
    having: int  # about how many there are
    is_hint: bool  # whether it may say something by itself; then they are all in `files`


class Written:
    """Looks the words of a query up, for one search among `candidates`, a mask over files."""

    def __init__(self, library: Library, candidates: Mask, words: Sequence[QueryWord]) -> None:
        """Raises LibraryError."""
        self._library = library
        self._candidates = candidates
        asked = [(word.alternatives, misread(word)) for word in words]
        found = library.texts.contents_with_words(asked, _MOST_CONTENTS)
        self._contents = {word.text: each for word, each in zip(words, found, strict=True)}

    def shown(
        self, words: Sequence[QueryWord], named: Sequence[bool], least: float, absent: float
    ) -> list[Shown | None]:
        """For each word the candidates in whose pictures it stands, as far as they matter.

        These have all words, but for those that are in names: `named` says which are; and at least
        the share `least` is anywhere, where one that isn't counts as `absent`. Beside these matter
        those with a word that models don't know.
        """
        every = [self._contents[word.text] for word in words]
        known = [NONE if one is None else one for one in every]
        must = [one for one, in_name in zip(known, named, strict=True) if len(one) and not in_name]
        missing = sum(not len(one) and not name for one, name in zip(known, named, strict=True))
        met = len(words) - missing
        whole = NONE
        if any(map(len, known)) and met >= least * (met + absent * missing):
            whole = _in_all(must) if must else reduce(np.union1d, known)
        hints = [
            0 < len(one) <= _MOST_HINTED and not is_english(word.text)
            for word, one in zip(words, known, strict=True)
        ]
        telling = [one for one, hint in zip(known, hints, strict=True) if hint]
        matter = reduce(np.union1d, telling, whole)
        if not len(matter):
            return [None for _ in words]
        files, held = self._files(matter)
        share = np.count_nonzero(self._candidates) / max(1, len(self._candidates))
        found: list[Shown | None] = []
        for contents, hint in zip(known, hints, strict=True):
            having = files[np.isin(held, contents)]
            count = len(having) if hint else max(len(having), round(share * len(contents)))
            found.append(Shown(having, count, hint) if len(having) else None)
        return found

    def quoting(self, phrase: str, words: Sequence[QueryWord]) -> Files:
        """The candidates in whose pictures a phrase stands; none for a single word that models
        know. `words` are those of the query that say something. Raises LibraryError."""
        pattern = TextPattern(phrase)
        if not pattern or (len(pattern.units) == 1 and is_english(phrase)):
            return NONE
        said = said_in(phrase, words)
        known = [each for word in said if (each := self._contents[word.text]) is not None]
        among = _in_all(known) if known else None
        telling = [word.alternatives for word in said]
        quoting = self._library.texts.quoting(pattern, telling, among, _MOST_COMPARED)
        return self._files(quoting)[0] if len(quoting) else NONE

    def bonus(self, quoting: int, count: int) -> float:
        """The bonus of so many of `count` files that are quoted, in standard deviations."""
        rarity = 1 - math.log(quoting) / math.log(count)
        return _COMMON + (_UNIQUE - _COMMON) * rarity

    def _files(self, contents: NDArray[np.int64]) -> tuple[Files, NDArray[np.int32]]:
        """The candidates with one of some contents, and the content of each."""
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            files = catalogue.files_with(contents.astype(np.int32))
            files = files[files < len(self._candidates)]
            files = files[self._candidates[files]].astype(np.int64)
            return files, catalogue.content[files]


def said_in(phrase: str, words: Sequence[QueryWord]) -> list[QueryWord]:
    """Those of the words that a phrase says: "party" doesn't say "art". In writing without blanks
    they may be anywhere."""
    whole, all_of_it = {folded(run) for run in runs(phrase)}, folded(phrase)
    return [
        word
        for word in words
        if (plain := folded(word.text)) in whole or (is_unspaced(word.text) and plain in all_of_it)
    ]


def misread(word: QueryWord) -> str:
    """What a recogniser may have taken for another word; "" for none, and where the vectors tell
    what is meant."""
    return word.part if len(word.part) >= _MIN_SIMILAR and not is_english(word.text) else ""


def _in_all(some: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """What is in each of some sets, which are ascending."""
    few = sorted(some, key=len)
    return reduce(lambda one, other: np.intersect1d(one, other, assume_unique=True), few)
