"""The unigram language model (Kudo 2018) over pieces in a mapped file.

Gives the tokens of the `tokenizers` library's Unigram: the pieces whose scores (logarithms of
probabilities) have the largest sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        end = len(word)
        best = [float("-inf")] * (end + 1)
        best[0] = 0.0
        last_piece = [(0, self._unknown)] * (end + 1)  # on the best path: its start and token
        for begin in range(end):
            single = False
            for stop, token in self._trie.prefixes(word, begin):
                single = single or stop == begin + 1
                score = best[begin] + self._scores[token]
                if score > best[stop]:
                    best[stop], last_piece[stop] = score, (begin, token)
            score = best[begin] + self._unknown_score
            if not single and score > best[begin + 1]:
                best[begin + 1], last_piece[begin + 1] = score, (begin, self._unknown)
        pieces = []
        position = end
        while position:
            begin, token = last_piece[position]
            pieces.append((begin, position, token))
            position = begin
        return self._tokens(word, pieces[::-1])

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
