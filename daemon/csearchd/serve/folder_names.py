"""Finds directories that have pictures in or below them by the beginning of their names."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice

import numpy as np

from csearchd.library.library import Library
from csearchd.library.tree import TOP, DirectoryTree
from csearchd.spelling import folded

_State = tuple[DirectoryTree, int, bytes]


class FolderNames:
    """Keeps the names sorted until a directory comes, goes or gets its first picture. Used by
    several threads, which don't wait for each other."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: tuple[_State, list[int]] | None = None  # ids, by name, case ignored

    def beginning(self, prefix: str, most: int) -> list[str]:
        """Returns up to `most` names that begin with `prefix`, each once. Behind a "/" it finds
        those in directories whose name contains what stands before it. Case is ignored, and names
        that can't be typed are left out."""
        above, slash, start = prefix.rpartition("/")
        parents = [folded(part) for part in above.split("/") if part]
        while True:
            try:
                names = self._beginning(folded(start), parents, most)
            except KeyError:  # a directory has gone meanwhile
                continue
            return [f"{above}{slash}{name}" for name in names]

    def _beginning(self, start: str, parents: Sequence[str], most: int) -> list[str]:
        tree, directories = self._sorted()
        first = bisect_left(directories, start, key=lambda one: folded(_shown(tree, one)))
        found: dict[str, None] = {}
        for directory in islice(directories, first, None):
            name = _shown(tree, directory)
            if not folded(name).startswith(start):
                break
            if name not in found and name.isprintable() and _is_in(tree, directory, parents):
                found[name] = None
                if len(found) >= most:
                    break
        return list(found)

    def _sorted(self) -> tuple[DirectoryTree, list[int]]:
        with self._library.memory_lock:
            tree = self._library.tree
            holders = self._library.catalogue.directories_with_files()
            state = tree, tree.changes, np.packbits(holders).tobytes()
            if self._known and self._known[0] == state:
                return tree, self._known[1]
            parents, names = tree.copy()
        wanted: set[int] = set()
        for directory in np.flatnonzero(holders).tolist():
            while directory in parents and directory not in wanted:
                wanted.add(directory)
                directory = parents[directory]
        found = sorted(wanted, key=lambda one: folded(os.fsdecode(names[one])))
        self._known = state, found
        return tree, found


def _shown(tree: DirectoryTree, directory: int) -> str:
    return os.fsdecode(tree.name(directory))


def _is_in(tree: DirectoryTree, directory: int, parents: Sequence[str]) -> bool:
    """Whether the names of the directories above contain `parents`, the nearest last."""
    for part, above in zip(
        reversed(parents), islice(tree.ancestors(directory), 1, None), strict=False
    ):
        if above == TOP or part not in folded(_shown(tree, above)):
            return False
    return True
