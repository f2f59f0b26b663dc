"""The directory tree in memory: from a path to its row's id and back, and what is below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

TOP = 1  # the id of "/"
_FEW = 1000  # directories that are quicker walked through than marked among all
_SPARE = 1024


class DirectoryTree:
    """Ids and names of directories; every path is absolute and normal, as bytes.

    `changes` is another number after every change.
    """

    def __init__(self, rows: Iterable[tuple[int, int | None, bytes]]) -> None:
        """`rows`: id, parent's id, name; the parent may come later than the child."""
        self._parent: dict[int, int] = {}
        self._name: dict[int, bytes] = {TOP: b""}
        self._children: dict[int, dict[bytes, int]] = {}
        self._up = np.zeros(_SPARE, np.intp)  # the parents too; 0, which is no id, for none
        self._arrived: set[int] = set()
        self.changes = 0
        for identifier, parent, name in rows:
            if parent is not None:
                self.add(identifier, parent, name)

    def add(self, identifier: int, parent: int, name: bytes) -> None:
        self._parent[identifier] = parent
        self._name[identifier] = name
        self._children.setdefault(parent, {})[name] = identifier
        if identifier >= len(self._up):
            more = identifier * 5 // 4 + _SPARE - len(self._up)
            self._up = np.append(self._up, np.zeros(more, np.intp))
        self._up[identifier] = parent
        self._arrived.add(identifier)
        self.changes += 1

    def take_arrived(self) -> set[int]:
        """The directories that were added, or moved, since this was asked last."""
        arrived, self._arrived = self._arrived, set()
        return arrived

    def remove(self, identifier: int) -> None:
        """Forgets a directory that has no children left."""
        parent, name = self._parent.pop(identifier), self._name.pop(identifier)
        del self._children[parent][name]
        self._children.pop(identifier, None)
        self._up[identifier] = 0
        self._arrived.discard(identifier)
        self.changes += 1

    def move(self, identifier: int, parent: int, name: bytes) -> None:
        """Gives a directory another parent and name; what is below comes along."""
        del self._children[self._parent[identifier]][self._name[identifier]]
        self.add(identifier, parent, name)

    def swap(self, one: int, other: int) -> None:
        """Two directories, neither inside the other, take each other's place."""
        places = [(self._parent[each], self._name[each]) for each in (one, other)]
        self.add(other, *places[0])
        self.add(one, *places[1])

    def __contains__(self, identifier: int) -> bool:
        return identifier in self._name

    def find(self, path: bytes) -> int | None:
        """The id of the directory at `path`; None if it isn't known."""
        identifier: int | None = TOP
        for name in path.split(b"/"):
            if name and identifier is not None:
                identifier = self.child(identifier, name)
        return identifier

    def child(self, parent: int, name: bytes) -> int | None:
        return self._children.get(parent, {}).get(name)

    def name(self, identifier: int) -> bytes:
        return self._name[identifier]

    def parent(self, identifier: int) -> int:
        return self._parent[identifier]

    def children(self, parent: int) -> dict[bytes, int]:
        return dict(self._children.get(parent, {}))

    def copy(self) -> tuple[dict[int, int], dict[int, bytes]]:
        """Each directory's parent, and each one's name."""
        return dict(self._parent), dict(self._name)

    def path(self, identifier: int) -> bytes:
        """Raises KeyError if the id isn't known."""
        names = []
        while identifier != TOP:
            names.append(self._name[identifier])
            identifier = self._parent[identifier]
        return b"/" + b"/".join(reversed(names))

    def paths(self, identifiers: Iterable[int]) -> dict[int, bytes]:
        """The paths, with a "/" at the end, of directories and those above them; of unknown ones
        none."""
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
        """The directory itself, then its parents up to "/"."""
        while identifier != TOP:
            yield identifier
            identifier = self._parent[identifier]
        yield TOP

    def below(self, identifier: int) -> list[int]:
        """The directory and all below it, parents before their children."""
        found = [identifier]
        for current in found:
            found.extend(self._children.get(current, {}).values())
        return found

    def mask(self, identifiers: Iterable[int]) -> NDArray[np.bool_]:
        """One bool for each possible id: whether it is one of `identifiers` or below one."""
        mask = np.zeros(len(self._up), np.bool_)
        found = list(identifiers)
        for current in found:
            if len(found) > _FEW:
                break
            found.extend(self._children.get(current, {}).values())
        mask[found] = True
        if len(found) <= _FEW:
            return mask
        # Who has one of them a step above is below one; then two steps, four, eight.
        up, count = self._up, 0
        while (marked := int(np.count_nonzero(mask))) > count:
            count = marked
            mask |= mask[up]
            up = up[up]
        return mask
