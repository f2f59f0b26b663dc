"""Byte-pair encoding (Sennrich et al. 2016) by merges in a mapped file.

Gives the tokens of the `tokenizers` library's BPE: of all neighbours that can be merged, those of
the earliest merge are, the leftmost first.

The first tokens of a word are those of the characters they stand for: no merge has joined these
with what follows, so merging them alone takes the same steps. `Bpe.beginning` builds on that.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from csearchd.models.tokenization.mapped_arrays import Array, Table, table_arrays

_GONE = -1  # a symbol that has been merged into its left neighbour
_SYMBOLS = 4  # for a token, on average, of what `beginning` tries first
_ATTEMPTS = 3  # with twice as many each
_MAX_LONGEST = 512  # symbols in a piece, beyond which `beginning` would take too long


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
        return self._joined(self._initial(word, ends=True))

    def beginning(self, start: str, count: int) -> list[int] | None:
        """The first `count` tokens of every word that is longer than `start` and begins with it;
        None if they may depend on what follows.

        One token of such a word holds the symbol number n, so it begins among the symbols before,
        not further back than the longest piece reaches. What precedes it has tokens of its own. If
        these begin alike wherever that is, so does the word.
        """
        longest = self._longest
        symbols = self._initial(start, ends=False)
        if longest > _MAX_LONGEST:
            return None
        for attempt in range(_ATTEMPTS):
            n = (_SYMBOLS * count + longest) << attempt
            if n > len(symbols):
                break
            found: list[int] | None = None
            for end in range(n - longest + 1, n + 1):
                tokens = self._joined(symbols[:end])[:count]
                if len(tokens) < count or found not in (None, tokens):
                    break
                found = tokens
            else:
                return found
        return None

    @cached_property
    def _longest(self) -> int:
        """The most symbols that a piece is merged of; more than _MAX_LONGEST if they are too many
        to count. Reads all merges, and so is known only once it is needed."""
        starts, seconds = np.asarray(self._pairs.starts), np.asarray(self._pairs.entries)
        firsts = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        merged = np.asarray(self._merged)
        lengths = np.ones(len(starts) - 1, np.int64)
        while (longest := int(lengths.max())) <= _MAX_LONGEST:
            before = lengths.copy()
            np.maximum.at(lengths, merged, before[firsts] + before[seconds])
            if np.array_equal(lengths, before):
                break
        return longest

    def _joined(self, symbols: list[int]) -> list[int]:
        """What `symbols` become by merging. Changes them."""
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

    def _initial(self, word: str, ends: bool) -> list[int]:
        """The tokens of the characters of `word`, which `ends` with the last one or goes on."""
        symbols: list[int] = []
        unknown_before = False
        for position, character in enumerate(word):
            final = self._suffixed and ends and position == len(word) - 1
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
