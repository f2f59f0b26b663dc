"""Compares pictures by the pixels of their signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.library.signatures import stored
from csearchd.search.duplicates import agreement, spectra
from csearchd.search.duplicates.shots import Contents, Shots

_BATCH = 256  # pairs that are compared at once
_CHUNK = 2000  # signatures that are read at once

Floats = NDArray[np.float32]
Indexes = NDArray[np.intp]


class Comparison:
    """Tells copies. Reads the signatures that it needs from the library."""

    def __init__(
        self,
        library: Library,
        shots: Shots,
        check: Callable[[], object],
        tries: int,
        most: int | None = None,
    ) -> None:
        """To compare pictures that look alike takes 4 ms a pair, and there may be very many.

        So each is compared with the `tries` nearest first, and with the others only if one of
        these is a copy. `groups` compares `most` pairs at most.
        """
        self._library = library
        self._shots = shots
        self._check = check
        self._tries = tries
        self._left = most

    def likeness(self, first: Contents, second: Contents) -> Floats:
        """How alike the pixels of contents are, 0 to 1, (n,); 0 where neither is a copy of the
        other, or that can't be told. Raises LibraryError."""
        found = np.zeros(len(first), np.float32)
        possible = np.flatnonzero(self._shots.may_be_copies(first, second))
        for start in range(0, len(possible), _BATCH):
            some = possible[start : start + _BATCH]
            found[some] = self._of(first[some], second[some])
        return found

    def _of(self, first: Contents, second: Contents) -> Floats:
        wanted = np.unique(np.concatenate([first, second]))
        with self._library.read() as reader:
            contents, signatures = stored.of(reader, wanted.tolist())
        place = np.full(int(wanted[-1]) + 1, -1, np.intp)
        place[contents] = np.arange(len(contents))
        pairs = np.stack([place[first], place[second]], axis=1)
        known = (pairs >= 0).all(axis=1)
        found = np.zeros(len(first), np.float32)
        found[known] = agreement.likeness(signatures, pairs[known], self._check)
        return found

    def spectra(self, contents: Contents) -> Floats:
        """The spectra of distinct contents, (n, length); 0 where there is no signature. Raises
        LibraryError."""
        found = np.zeros((len(contents), spectra.LENGTH), np.float32)
        place = np.zeros(int(contents.max(initial=0)) + 1, np.intp)
        place[contents] = np.arange(len(contents))
        for start in range(0, len(contents), _CHUNK):
            self._check()
            some = contents[start : start + _CHUNK].tolist()
            with self._library.read() as reader:
                known, signatures = stored.of(reader, some)
            found[place[known]] = spectra.spectra(signatures)
        return found

    def groups(
        self,
        contents: Contents,
        pairs: Indexes,
        taken: NDArray[np.bool_],
        nearness: Callable[[Indexes], Floats],
        given: NDArray[np.bool_] | None = None,
    ) -> Iterator[tuple[int, Indexes, Floats]]:
        """Yields the first of each group of copies, the others, and their likeness to it.

        `pairs` (n, 2) are indexes of `contents`, sorted, that may be copies; those that are `given`
        (n,) belong together anyway. `nearness` tells of some pairs which are most likely copies.
        What is in a group becomes `taken`, and is in no other one. Raises LibraryError.
        """
        if given is None:
            given = np.zeros(len(pairs), np.bool_)
        for begin, end in self._blocks(pairs[:, 0]):
            free = ~taken[pairs[begin:end]].any(axis=1)
            some, sure = pairs[begin:end][free], given[begin:end][free]
            likeness = sure.astype(np.float32)
            near = np.where(sure, -np.inf, nearness(some))
            asked = _foremost(some[:, 0], near, self._tries) & ~sure
            self._compare(contents, some, asked, likeness)
            asked |= sure
            leaders, starts = np.unique(some[:, 0], return_index=True)
            ends = np.append(starts, len(some))[1:]
            for leader, start, stop in zip(leaders.tolist(), starts, ends, strict=True):
                others, alike = some[start:stop, 1], likeness[start:stop]
                if taken[leader] or not alike.any():
                    continue
                free = ~taken[others]
                self._compare(contents, some[start:stop], free & ~asked[start:stop], alike)
                its = free & (alike > 0)
                if its.any():
                    taken[leader] = taken[others[its]] = True
                    yield leader, others[its], alike[its]

    def _blocks(self, rows: Indexes) -> Iterator[tuple[int, int]]:
        """Divides pairs, whose sorted first indexes are `rows`, into slices of whole rows, whose
        nearest pairs are compared at once."""
        _, starts, sizes = np.unique(rows, return_index=True, return_counts=True)
        blocks = np.cumsum(np.minimum(sizes, self._tries)) // _BATCH
        begins = starts[np.flatnonzero(np.diff(blocks, prepend=-1))].tolist()
        yield from pairwise([*begins, len(rows)])

    def _compare(
        self, contents: Contents, pairs: Indexes, chosen: NDArray[np.bool_], found: Floats
    ) -> None:
        """Sets the likeness of the `chosen` pairs in `found`, as long as any may be compared."""
        some = np.flatnonzero(chosen)[: self._left]
        if self._left is not None:
            self._left -= len(some)
        found[some] = self.likeness(contents[pairs[some, 0]], contents[pairs[some, 1]])


def _foremost(rows: Indexes, nearness: Floats, count: int) -> NDArray[np.bool_]:
    """Which are the `count` nearest of each row; `rows` are sorted."""
    order = np.lexsort((-nearness, rows))
    _, starts, sizes = np.unique(rows, return_index=True, return_counts=True)
    chosen = np.zeros(len(rows), np.bool_)
    chosen[order[np.arange(len(rows)) - np.repeat(starts, sizes) < count]] = True
    return chosen
