"""Byte-pair encoding (Sennrich et al. 2016) by merges in a mapped file.

Gives the tokens of the `tokenizers` library's BPE: of all neighbours that can be merged, those of
the earliest merge are, the leftmost first.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from csearchd.models.tokenization.mapped_arrays import Array, Table, table_arrays

_GONE = -1  # a symbol that has been merged into its left neighbour


def bpe_arrays(
    vocabulary: Mapping[str, int], merges: Sequence[tuple[str, str]], suffix: str
) -> dict[str, npt.NDArray[np.generic]]:
    """The arrays of a BPE: the pairs that merge, and the characters' tokens, first those in a word,
    then those at its end. `suffix`: what pieces at a word's end have there, or ''.

    Raises KeyError for a merge of pieces that the vocabulary lacks.
    """
    symbols = {(0, ord(piece)): vocabulary[piece] for piece in vocabulary if len(piece) == 1}
    if suffix:
        ends = {piece: piece.removesuffix(suffix) for piece in vocabulary if suffix in piece}
        symbols |= {(1, ord(c)): vocabulary[p] for p, c in ends.items() if len(c) == 1}
    merged = {
        (vocabulary[left], vocabulary[right]): (rank, vocabulary[left + right])
        for rank, (left, right) in enumerate(merges)
    }
    pairs = sorted(merged)
    characters = sorted(symbols)
    rows, entries = _columns(pairs)
    firsts, seconds = table_arrays(rows, entries, max(vocabulary.values()) + 1)
    rows, entries = _columns(characters)
    positions, points = table_arrays(rows, entries, 2)
    return {
        "firsts": firsts,
        "seconds": seconds,
        "ranks": np.array([merged[pair][0] for pair in pairs], np.uint32),
        "merged": np.array([merged[pair][1] for pair in pairs], np.uint32),
        "positions": positions,
        "characters": points,
        "symbols": np.array([symbols[character] for character in characters], np.uint32),
    }


def _columns(pairs: Sequence[tuple[int, int]]) -> npt.NDArray[np.uint32]:
    return np.array(pairs, np.uint32).reshape(-1, 2).T.copy()


class Bpe:
    """A BPE whose arrays are `bpe_arrays`. Several threads may call it at once."""

    def __init__(self, description: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        self._pairs = Table(arrays["firsts"], arrays["seconds"])
        self._ranks, self._merged = arrays["ranks"], arrays["merged"]
        self._characters = Table(arrays["positions"], arrays["characters"])
        self._symbols = arrays["symbols"]
        self._suffixed: bool = description["suffixed"]
        self._bytes: Sequence[int | None] = description["bytes"] or [None] * 256
        self._unknown: int | None = description["unknown"]
        self._fuse_unknown: bool = description["fuse_unknown"]

    def encode(self, word: str) -> list[int]:
        """The tokens of `word`."""
        symbols = self._initial(word)
        end = len(symbols)
        previous, following = list(range(-1, end - 1)), list(range(1, end + 1))
        waiting = [
            (*merge, left)
            for left in range(end - 1)
            if (merge := self._merge(symbols[left], symbols[left + 1]))
        ]
        waiting = [(rank, left, merged) for rank, merged, left in waiting]
        heapq.heapify(waiting)
        while waiting:
            _, left, merged = heapq.heappop(waiting)
            right = following[left]
            if symbols[left] == _GONE or right == end:
                continue
            merge = self._merge(symbols[left], symbols[right])
            if not merge or merge[1] != merged:  # one of them has been merged with another
                continue
            symbols[left], symbols[right] = merged, _GONE
            following[left] = following[right]
            if following[right] < end:
                previous[following[right]] = left
            for first, second in ((previous[left], left), (left, following[left])):
                if first >= 0 and second < end:
                    merge = self._merge(symbols[first], symbols[second])
                    if merge:
                        heapq.heappush(waiting, (merge[0], first, merge[1]))
        return [symbol for symbol in symbols if symbol != _GONE]

    def _initial(self, word: str) -> list[int]:
        """The tokens of the characters of `word`."""
        symbols: list[int] = []
        unknown_before = False
        for position, character in enumerate(word):
            final = self._suffixed and position == len(word) - 1
            index = self._characters.find(int(final), ord(character))
            tokens = (
                [self._bytes[byte] for byte in character.encode()]
                if index is None
                else [self._symbols[index]]
            )
            unknown = None in tokens
            if not unknown:
                symbols += [token for token in tokens if token is not None]
            elif self._unknown is not None and not (unknown_before and self._fuse_unknown):
                symbols.append(self._unknown)
            unknown_before = unknown
        return symbols

    def _merge(self, left: int, right: int) -> tuple[int, int] | None:
        """The rank and the token of the merge of two neighbours."""
        index = self._pairs.find(left, right)
        return None if index is None else (self._ranks[index], self._merged[index])
