"""The tree of watched directories, in which the move of a directory changes one node."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable

from csearchd.watch.inotify import EVENTS, SELF_EVENTS, Inotify

_LIMITS = ("/proc/sys/fs/inotify/max_user_watches", "/proc/sys/user/max_inotify_watches")
_MIN_RESERVE = 1000  # watches that are left to other programs, if there are so many
_RESERVE_PART = 4  # one part in so many is, if that is more
_FULL_SECONDS = 3600.0  # until it is tried again whether others have given up theirs


class Node:
    """A directory that is watched, or that is above one."""

    __slots__ = (
        "children", "cost", "has_ignore_file", "is_root", "listed", "marked", "name", "parent",
        "watch",
    )  # fmt: skip

    def __init__(self, parent: Node | None, name: bytes) -> None:
        self.parent = parent
        self.name = name
        self.children: dict[bytes, Node] = {}
        self.watch: int | None = None  # for all events
        self.is_root = False
        self.marked = False  # a file in it, such as .nosearch, excludes it
        self.has_ignore_file = False  # .csearchignore
        self.listed = 0.0  # when it was last listed, monotonic seconds
        self.cost = 0.0  # seconds that the last listing took

    @property
    def path(self) -> bytes:
        names = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            names.append(node.name)
            node = node.parent
        return b"/" + b"/".join(reversed(names))

    def is_ignoring(self) -> bool:
        """Whether a `.csearchignore` in the directory, or in a watched one above it, counts."""
        node: Node | None = self
        while node is not None:
            if node.has_ignore_file:
                return True
            node = node.parent
        return False

    def below(self) -> list[Node]:
        """The node itself and all nodes below it, parents first."""
        found = [self]
        for node in found:
            found.extend(node.children.values())
        return found


class Watches:
    """All nodes, and their watches. Only the scanning thread changes it."""

    def __init__(self, inotify: Inotify | None) -> None:
        """Without `inotify`, nothing can be watched."""
        self._inotify = inotify
        self._top = Node(None, b"")
        self._nodes: dict[
            int, list[Node]
        ] = {}  # by watch; several if a directory has several paths
        self._above: dict[int, Node] = {}  # by watch: directories above roots
        self.count = 0  # of watched nodes
        # By watch: directories with links to what it watches (csearchd.watch.annex).
        self.contents: dict[int, set[Node]] = {}
        # Is called with each node that is no longer watched.
        self.unwatched: Callable[[Node], object] = lambda node: None
        self._most = 0  # watches that there may be, when that was last looked up
        self._ceiling: int | None = None  # of watches; less than the limit, as others have many
        self._ceiling_until = 0.0  # monotonic seconds

    @property
    def used(self) -> int:
        """The number of watches, those of directories above roots and of contents included."""
        return len(self._nodes) + len(self._above) + len(self.contents)

    @property
    def is_full(self) -> bool:
        """Whether there may be no more, so that other programs of the user can have some."""
        if self.used < self._most:
            return False
        limit = watch_limit()  # it may have been raised
        self._most = limit - _reserve(limit)
        if self._ceiling is not None and time.monotonic() < self._ceiling_until:
            self._most = min(self._most, self._ceiling)
        return self.used >= self._most

    def leave_room(self) -> list[bytes]:
        """Gives up those that were made last, as many as are left to other programs, but at most
        half; after other programs had so many that there was no room. Returns their paths."""
        keep = self.used - min(_reserve(watch_limit()), self.count // 2)
        self._most = self._ceiling = keep
        self._ceiling_until = time.monotonic() + _FULL_SECONDS
        given_up = []
        for watch in reversed(list(self._nodes)):
            nodes = self._nodes[watch]
            if self.used <= keep:
                break
            if not any(node.is_root for node in nodes):
                given_up += [node.path for node in nodes]
                for node in list(nodes):
                    self.unwatch(node)
        return given_up

    def find(self, path: bytes) -> Node | None:
        """The node of `path`, if there is one."""
        node: Node | None = self._top
        for name in path.split(b"/"):
            if name and node is not None:
                node = node.children.get(name)
        return node

    def make(self, path: bytes) -> Node:
        """The node of `path`, added with its parents if necessary."""
        node = self._top
        for name in path.split(b"/"):
            if name:
                child = node.children.get(name)
                if child is None:
                    child = node.children[name] = Node(node, name)
                node = child
        return node

    def nodes(self, watch: int) -> list[Node]:
        """The nodes that `watch` watches."""
        return list(self._nodes.get(watch, ()))

    def above(self, watch: int) -> Node | None:
        """The directory above a root for which `watch` reports that it is moved or deleted."""
        return self._above.get(watch)

    def watch(self, node: Node) -> bool:
        """Watches the directory at the node's path. Raises OSError, EDQUOT where it `is_full`; then
        the node isn't watched.

        Returns whether it is another directory than the one that was watched before.
        """
        try:
            watch = self._add(node, EVENTS)
        except OSError:
            self.unwatch(node)
            raise
        replaced = node.watch not in (None, watch)
        if watch != node.watch:
            self.unwatch(node)
            node.watch = watch
            self._nodes.setdefault(watch, []).append(node)
            self._above.pop(watch, None)
            self.count += 1
        return replaced

    def watch_above(self, node: Node) -> None:
        """Watches the directories above a root for being moved or deleted."""
        while (node_above := node.parent) is not None:
            node = node_above
            if node.watch is None:
                try:
                    self._above[self._add(node, SELF_EVENTS)] = node
                except OSError:
                    return  # no permission; the next scan will notice a move

    def _add(self, node: Node, events: int) -> int:
        if self._inotify is None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        if node.watch is None and self.is_full:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        return self._inotify.add(node.path, events)

    def unwatch(self, node: Node) -> None:
        """Stops watching a node; its children are left as they are."""
        watch, node.watch = node.watch, None
        if watch is None:
            return
        self.count -= 1
        self._nodes[watch].remove(node)
        if not self._nodes[watch]:
            del self._nodes[watch]
            if self._inotify:
                self._inotify.remove(watch)
        self.unwatched(node)

    def drop(self, node: Node) -> None:
        """Removes a node and all below it, except roots and what is below them."""
        dropped = [node]
        for current in dropped:
            dropped.extend(child for child in current.children.values() if not child.is_root)
        for current in reversed(dropped):
            self.unwatch(current)
            if not current.children and current.parent is not None:
                current.parent.children.pop(current.name, None)
                current.parent = None

    def swap(self, one: Node, other: Node) -> None:
        """Exchanges two nodes, neither of which is below the other."""
        if one.parent is None or other.parent is None:
            return
        one.parent.children[one.name], other.parent.children[other.name] = other, one
        one.parent, other.parent = other.parent, one.parent
        one.name, other.name = other.name, one.name

    def move(self, node: Node, parent: Node, name: bytes) -> None:
        """Moves a node to another parent and name, and drops a node that is there."""
        replaced = parent.children.get(name)
        if replaced is not None and replaced is not node:
            self.drop(replaced)
        if node.parent is not None:
            del node.parent.children[node.name]
        node.parent, node.name = parent, name
        parent.children[name] = node


def watch_limit() -> int:
    """The number of watches that the user may have, in all programs together."""
    found = []
    for path in _LIMITS:
        try:
            with open(path) as file:
                found.append(int(file.read()))
        except (OSError, ValueError):
            pass
    return min(found, default=8192)


def _reserve(limit: int) -> int:
    """The number of watches, of `limit`, that are left to other programs."""
    return max(limit // _RESERVE_PART, _MIN_RESERVE if limit > _MIN_RESERVE else 0)
