"""Compares pictures by the pixels of their signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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

    def __init__(self, library: Library, shots: Shots, check: Callable[[], object]) -> None:
        self._library = library
        self._shots = shots
        self._check = check

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
        given: NDArray[np.bool_] | None = None,
    ) -> Iterator[tuple[int, Indexes, Floats]]:
        """Yields the first of each group of copies, the others, and their likeness to it.

        `pairs` (n, 2) are indexes of `contents`, sorted, that may be copies; those that are `given`
        (n,) belong together anyway. What is in a group becomes `taken`, and is in no other one.
        Raises LibraryError.
        """
        if given is None:
            given = np.zeros(len(pairs), np.bool_)
        while True:
            free = ~taken[pairs].any(axis=1)
            pairs, given = pairs[free], given[free]
            if not len(pairs):
                return
            # As many of the first's as can be compared at once, or all of one.
            end = int(np.searchsorted(pairs[:, 0], pairs[min(_BATCH, len(pairs) - 1), 0]))
            if len(pairs) <= _BATCH:
                end = len(pairs)
            elif not end:
                end = int(np.searchsorted(pairs[:, 0], pairs[0, 0], "right"))
            some, sure = pairs[:end], given[:end]
            pairs, given = pairs[end:], given[end:]
            likeness = np.ones(len(some), np.float32)
            asked = some[~sure]
            likeness[~sure] = self.likeness(contents[asked[:, 0]], contents[asked[:, 1]])
            for leader in np.unique(some[:, 0]).tolist():
                its = (some[:, 0] == leader) & (likeness > 0) & ~taken[some[:, 1]]
                if not taken[leader] and its.any():
                    taken[leader] = taken[some[its, 1]] = True
                    yield leader, some[its, 1], likeness[its]
