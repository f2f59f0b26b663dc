"""The directory tree in memory: paths to row ids and back, and masks over subtrees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

TOP = 1  # the id of "/"
_FEW = 1000  # directories: a walk over so few is faster than marking all
_SPARE = 1024  # ids for which the array of parents has room


class DirectoryTree:
    """The ids and names of directories. Paths are bytes, absolute and normalised.

    Guarded by the library's `memory_lock`. `changes` counts changes.
    """

    def __init__(self, rows: Iterable[tuple[int, int | None, bytes]]) -> None:
        """`rows`: (id, parent's id, name) in any order; one without a parent is left out."""
        self._parent: dict[int, int] = {}
        self._name: dict[int, bytes] = {TOP: b""}
        self._children: dict[int, dict[bytes, int]] = {}
        self._up = np.zeros(_SPARE, np.intp)  # parents by id; 0 is none
        self._added: set[int] = set()
        self.changes = 0
        for identifier, parent, name in rows:
            if parent is not None:
                self.add(identifier, parent, name)

    def add(self, identifier: int, parent: int, name: bytes) -> None:
        """Adds a directory below `parent`, both given by their ids."""
        self._parent[identifier] = parent
        self._name[identifier] = name
        self._children.setdefault(parent, {})[name] = identifier
        if identifier >= len(self._up):
            more = identifier * 5 // 4 + _SPARE - len(self._up)
            self._up = np.append(self._up, np.zeros(more, np.intp))
        self._up[identifier] = parent
        self._added.add(identifier)
        self.changes += 1

    def take_added(self) -> set[int]:
        """The ids of directories that were added or moved since the last call."""
        added, self._added = self._added, set()
        return added

    def remove(self, identifier: int) -> None:
        """Removes a directory without children."""
        parent, name = self._parent.pop(identifier), self._name.pop(identifier)
        del self._children[parent][name]
        self._children.pop(identifier, None)
        self._up[identifier] = 0
        self._added.discard(identifier)
        self.changes += 1

    def move(self, identifier: int, parent: int, name: bytes) -> None:
        """Moves a directory, with all below it, to another parent and name."""
        del self._children[self._parent[identifier]][self._name[identifier]]
        self.add(identifier, parent, name)

    def swap(self, one: int, other: int) -> None:
        """Exchanges two directories, neither of which is inside the other."""
        places = [(self._parent[each], self._name[each]) for each in (one, other)]
        self.add(other, *places[0])
        self.add(one, *places[1])

    def __contains__(self, identifier: int) -> bool:
        return identifier in self._name

    def find(self, path: bytes) -> int | None:
        """The id of the directory at `path`; None if it is unknown."""
        identifier: int | None = TOP
        for name in path.split(b"/"):
            if name and identifier is not None:
                identifier = self.child(identifier, name)
        return identifier

    def child(self, parent: int, name: bytes) -> int | None:
        """The id of the directory `name` in `parent`; None if it is unknown."""
        return self._children.get(parent, {}).get(name)

    def name(self, identifier: int) -> bytes:
        return self._name[identifier]

    def parent(self, identifier: int) -> int:
        return self._parent[identifier]

    def children(self, parent: int) -> dict[bytes, int]:
        """The ids of the directories in `parent`, by name."""
        return dict(self._children.get(parent, {}))

    def copy(self) -> tuple[dict[int, int], dict[int, bytes]]:
        """Copies of the maps from an id to its parent, and from an id to its name."""
        return dict(self._parent), dict(self._name)

    def path(self, identifier: int) -> bytes:
        """The path of a directory. Raises KeyError if the id is unknown."""
        names = []
        while identifier != TOP:
            names.append(self._name[identifier])
            identifier = self._parent[identifier]
        return b"/" + b"/".join(reversed(names))

    def paths(self, identifiers: Iterable[int]) -> dict[int, bytes]:
        """The paths, ending with "/", of some directories and all above them, by id. Unknown ids
        are left out."""
        found = {TOP: b"/"}
        for identifier in identifiers:
            below = []
            while identifier not in found and identifier in self._name:
                below.append(identifier)
                identifier = self._parent[identifier]
            for each in reversed(below):
                found[each] = found[identifier] + self._name[each] + b"/"
                identifier = each
        return found

    def ancestors(self, identifier: int) -> Iterator[int]:
        """The ids of the directory itself, then of its parents up to "/"."""
        while identifier != TOP:
            yield identifier
            identifier = self._parent[identifier]
        yield TOP

    def below(self, identifier: int) -> list[int]:
        """The ids of the directory and of all below it, parents before children."""
        found = [identifier]
        for current in found:
            found.extend(self._children.get(current, {}).values())
        return found

    def mask(self, identifiers: Iterable[int]) -> NDArray[np.bool_]:
        """A mask over directory ids: whether a directory is one of `identifiers` or below one.
        Later ids may be beyond its end."""
        mask = np.zeros(len(self._up), np.bool_)
        found = list(identifiers)
        for current in found:
            if len(found) > _FEW:
                break
            found.extend(self._children.get(current, {}).values())
        mask[found] = True
        if len(found) <= _FEW:
            return mask
        # A directory is marked if its parent is, then if its ancestor two, four, eight steps up is.
        up, count = self._up, 0
        while (marked := int(np.count_nonzero(mask))) > count:
            count = marked
            mask |= mask[up]
            up = up[up]
        return mask
