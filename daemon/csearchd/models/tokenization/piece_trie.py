"""Pieces of text as a trie in sorted arrays: finds those that a text starts with.

A node's number is one more than the index of the edge that leads to it; the root is 0. Nodes are
numbered level by level, so that edges are sorted by the node that they start from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from csearchd.models.tokenization.mapped_arrays import Array, Table, table_arrays

ROOT = 0
_NONE = -1


def trie_arrays(pieces: Mapping[str, int]) -> dict[str, npt.NDArray[np.generic]]:
    """The arrays of a trie of `pieces` (not empty) and their tokens."""
    starts: list[int] = []  # the node that each edge starts from
    characters: list[int] = []
    tokens: list[int] = []
    parents = {"": ROOT}
    remaining = list(pieces)
    length = 1
    while remaining:
        prefixes = sorted({piece[:length] for piece in remaining})
        children = {}
        for prefix in prefixes:
            starts.append(parents[prefix[:-1]])
            characters.append(ord(prefix[-1]))
            tokens.append(pieces.get(prefix, _NONE))
            children[prefix] = len(starts)
        parents = children
        remaining = [piece for piece in remaining if len(piece) > length]
        length += 1
    nodes, edges = table_arrays(
        np.array(starts, np.uint32), np.array(characters, np.uint32), len(starts) + 1
    )
    return {"nodes": nodes, "edges": edges, "tokens": np.array(tokens, np.int32)}


class PieceTrie:
    """A trie that `trie_arrays` made."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._edges = Table(arrays["nodes"], arrays["edges"])
        self._tokens = arrays["tokens"]

    def prefixes(self, text: str, begin: int, node: int = ROOT) -> Iterator[tuple[int, int]]:
        """The pieces that `text` has at `begin`, the shortest first: their end and token. Pieces
        are those below `node`."""
        for position in range(begin, len(text)):
            edge = self._edges.find(node, ord(text[position]))
            if edge is None:
                return
            node = edge + 1
            if self._tokens[edge] != _NONE:
                yield position + 1, self._tokens[edge]

    def depth(self) -> int:
        """The length of the longest piece. Reads a few numbers for each level."""
        depth, first, end = 0, ROOT, ROOT + 1  # the nodes of a level
        while (edges := (self._edges.starts[first], self._edges.starts[end]))[0] < edges[1]:
            depth, first, end = depth + 1, edges[0] + 1, edges[1] + 1
        return depth

    def node(self, prefix: str) -> int | None:
        """The node that `prefix` leads to."""
        node = ROOT
        for character in prefix:
            edge = self._edges.find(node, ord(character))
            if edge is None:
                return None
            node = edge + 1
        return node
