"""The unigram language model (Kudo 2018) over pieces in a mapped file.

Gives the tokens of the `tokenizers` library's Unigram: the pieces whose scores (logarithms of
probabilities) have the largest sum.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from csearchd.models.tokenization.mapped_arrays import Array
from csearchd.models.tokenization.piece_trie import PieceTrie

UNKNOWN_PENALTY = 10.0
"""How much less than the least score that of an unknown character is, in all implementations."""


class Unigram:
    """A unigram model. Several threads may call it at once."""

    def __init__(self, description: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        self._trie = PieceTrie(arrays)
        self._scores = arrays["scores"]  # of each token
        self._unknown: int = description["unknown"]
        self._unknown_score: float = description["unknown_score"]
        self._bytes: Sequence[int | None] = description["bytes"] or [None] * 256

    def encode(self, word: str) -> list[int]:
        """The tokens of `word`."""
        path = _BestPath(len(word), self._unknown)
        for begin in range(len(word)):
            self._advance(path, word, begin)
        return self._tokens(word, path.pieces(len(word)))

    def beginning(self, start: str, count: int) -> list[int] | None:
        """The first `count` tokens of every word that is longer than `start` and begins with it;
        None if they may depend on what follows.

        One piece of such a word reaches over the position p, so it begins less than the longest
        piece before. The best paths to all these places have a part in common, which the word has,
        too.
        """
        longest = self._trie.depth()
        path = _BestPath(len(start), self._unknown)
        check = longest + count
        for begin in range(len(start) - longest + 1):
            if begin == check:
                common = path.common(range(max(begin - longest, 0), begin))
                pieces = path.pieces(common)
                # An unknown piece may be joined with what follows.
                while pieces and pieces[-1][2] == self._unknown:
                    pieces.pop()
                tokens = self._tokens(start, pieces)
                if len(tokens) >= count:
                    return tokens[:count]
                check = 2 * begin
            self._advance(path, start, begin)
        return None

    def _advance(self, path: _BestPath, word: str, begin: int) -> None:
        """Adds the pieces that `word` has at `begin` to the path."""
        best = path.scores[begin]
        single = False
        for stop, token in self._trie.prefixes(word, begin):
            single = single or stop == begin + 1
            path.add(begin, stop, token, best + self._scores[token])
        if not single:
            path.add(begin, begin + 1, self._unknown, best + self._unknown_score)

    def _tokens(self, word: str, pieces: Sequence[tuple[int, int, int]]) -> list[int]:
        """The tokens of pieces given by start, end and token; those of unknown ones are joined."""
        tokens: list[int] = []
        unknown = ""
        for begin, end, token in pieces:
            if token == self._unknown:
                unknown += word[begin:end]
                continue
            tokens += self._fallback(unknown)
            unknown = ""
            tokens.append(token)
        return tokens + self._fallback(unknown)

    def _fallback(self, unknown: str) -> list[int]:
        if not unknown:
            return []
        tokens = [self._bytes[byte] for byte in unknown.encode()]
        known = [token for token in tokens if token is not None]
        return known if len(known) == len(tokens) else [self._unknown]


class _BestPath:
    """The best pieces from the beginning of a word to each of its positions."""

    def __init__(self, length: int, unknown: int) -> None:
        self.scores = [float("-inf")] * (length + 1)
        self.scores[0] = 0.0
        self._last = [(0, unknown)] * (length + 1)  # the last piece: where it begins, its token

    def add(self, begin: int, stop: int, token: int, score: float) -> None:
        """Adds a piece, with which the whole path has the score `score`."""
        if score > self.scores[stop]:
            self.scores[stop], self._last[stop] = score, (begin, token)

    def pieces(self, position: int) -> list[tuple[int, int, int]]:
        """The pieces of the path to `position`: start, end and token of each."""
        pieces = []
        while position:
            begin, token = self._last[position]
            pieces.append((begin, position, token))
            position = begin
        return pieces[::-1]

    def common(self, positions: Iterable[int]) -> int:
        """The last position that the paths to all `positions` have in common."""
        left = sorted(set(positions))
        while len(left) > 1:
            begin, _ = self._last[left.pop()]
            if begin not in left:
                insort(left, begin)
        return left[0]
