"""Words of a query that stand in pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.library.texts.index import NONE
from csearchd.library.texts.pattern import TextPattern
from csearchd.search.lexical.query_words import QueryWord
from csearchd.search.query_language.foreign import is_english

_MOST_CONTENTS = 20_000  # with a word; a more frequent one says too little for what it costs
_MOST_COMPARED = 2000  # pictures whose words are compared with what may be quoted
_MIN_SIMILAR = 5  # letters of a word that a recogniser may have mistaken
_COMMON, _UNIQUE = 2.0, 12.0  # the bonus of what all pictures say, and of what only one says

Mask = NDArray[np.bool_]
Files = NDArray[np.int64]  # ids, ascending


class Written:
    """Looks words up, for one search among `candidates`, a mask over files."""

    def __init__(self, library: Library, candidates: Mask) -> None:
        self._library = library
        self._candidates = candidates

    def files_with(self, word: QueryWord) -> Files:
        """The candidates in whose pictures a word stands. Raises LibraryError."""
        similar = word.part if len(word.part) >= _MIN_SIMILAR else ""
        return self._files(
            self._library.texts.contents_with_words(word.alternatives, similar, _MOST_CONTENTS)
        )

    def quoting(self, phrase: str, words: Sequence[QueryWord]) -> Files:
        """The candidates in whose pictures a phrase stands; none for a single word that models
        know. `words` are those of the query that say something. Raises LibraryError."""
        pattern = TextPattern(phrase)
        if not pattern or (len(pattern.units) == 1 and is_english(phrase)):
            return NONE
        telling = [word.alternatives for word in self.said_in(phrase, words)]
        return self._files(self._library.texts.quoting(pattern, telling, _MOST_COMPARED))

    def said_in(self, phrase: str, words: Sequence[QueryWord]) -> list[QueryWord]:
        """Those of the words that are in a phrase."""
        return [word for word in words if word.text in phrase]

    def bonus(self, quoting: int, count: int) -> float:
        """The bonus of so many of `count` files that are quoted, in standard deviations."""
        rarity = 1 - math.log(quoting) / math.log(count)
        return _COMMON + (_UNIQUE - _COMMON) * rarity

    def _files(self, contents: NDArray[np.int64]) -> Files:
        if not len(contents):
            return contents
        with self._library.memory_lock:
            files = self._library.catalogue.files_with(contents.astype(np.int32))
        files = files[files < len(self._candidates)]
        return files[self._candidates[files]].astype(np.int64)
