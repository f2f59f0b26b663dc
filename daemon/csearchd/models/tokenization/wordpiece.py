"""WordPiece (Schuster and Nakajima 2012), BERT's, over pieces in a mapped file.

Gives the tokens of the `tokenizers` library's WordPiece: the longest piece, again and again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csearchd.models.tokenization.mapped_arrays import Array
from csearchd.models.tokenization.piece_trie import ROOT, PieceTrie


class WordPiece:
    """A WordPiece model. Several threads may call it at once."""

    def __init__(self, description: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        self._trie = PieceTrie(arrays)
        self._continuation = self._trie.node(description["continuation"])
        self._unknown: int = description["unknown"]
        self._max_characters: int = description["max_characters"]

    def encode(self, word: str) -> list[int]:
        """The tokens of `word`; that for unknown words alone if no pieces give it."""
        if len(word) > self._max_characters:
            return [self._unknown]
        tokens: list[int] = []
        position = 0
        while position < len(word):
            node = self._continuation if position else ROOT
            pieces = [] if node is None else [*self._trie.prefixes(word, position, node)]
            if not pieces:
                return [self._unknown]
            position, token = pieces[-1]
            tokens.append(token)
        return tokens

    def beginning(self, start: str, count: int) -> list[int] | None:
        """The first `count` tokens of every word that is longer than `start` and begins with it;
        None if they may depend on what follows, as those of all words do that aren't too long."""
        return [self._unknown] if len(start) >= self._max_characters else None
