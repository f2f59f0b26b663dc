"""The watch: the kernel's events are hints that lead to listings, and moves that need none.

Everything here is called by the scanning thread alone, so that a move and a listing that was read
before it can't cross; but for `mode`, `directories`, `lost` and `trouble`, which anybody may read.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Iterable

from csearchd.library.library import Library
from csearchd.library.listings import Listing, holders
from csearchd.library.moves import move_directory, move_file
from csearchd.library.roots import is_below
from csearchd.watch.inotify import (
    IN_ATTRIB,
    IN_CLOSE_WRITE,
    IN_CREATE,
    IN_DELETE,
    IN_DIRECTORY,
    IN_GONE,
    IN_MODIFY,
    IN_MOVED_FROM,
    IN_MOVED_TO,
    IN_OVERFLOW,
    IN_SELF,
    Event,
    Inotify,
)
from csearchd.watch.mounts import Mounts
from csearchd.watch.resting import REST_SECONDS, Resting
from csearchd.watch.rules import CACHEDIR_TAG, NOSEARCH, Rules
from csearchd.watch.watches import Node, Watches

log = logging.getLogger(__name__)

_GATHER = 0.05  # seconds between an event and the listing, since events come in crowds
_SHARE = 5  # a directory is listed for at most one part in so many of the time
_ABSENT_SECONDS = 3.0  # between looks for a root that isn't there
_LINKED_SECONDS = 1.0  # between looks for the other names of changed files
_LINKED_MOST = 500  # of such files at a time
_POLL_SECONDS = 60.0  # between scans of what inotify doesn't see
_WATCHED_SECONDS = 86400.0  # between scans of a root that is watched
_UNWATCHED_SECONDS = 300.0  # between scans of a root that couldn't be watched as a whole


class Watcher:
    """Says what must be listed or scanned, and when."""

    def __init__(
        self,
        library: Library,
        rules: Rules,
        resting: Resting,
        scan: Callable[[bytes], object],
        scans: Callable[[bytes], bool],
        changed: Callable[[], object],
    ) -> None:
        """`scan` asks for a directory and all below it; `scans`: whether that is under way.

        `changed` is called when files may be read that were held.
        """
        self.rules = rules
        self.lost = 0  # times that the kernel's queue ran over
        self.trouble: str | None = None
        self._library = library
        self._resting = resting
        self._scan = scan
        self._scans = scans
        self._changed = changed
        self._mounts = Mounts()
        self._roots: frozenset[bytes] = frozenset()
        self._unwatched: frozenset[bytes] = frozenset()  # roots of which a part isn't watched
        self._failing: set[bytes] = set()  # those of which that was seen since their scan began
        self._looks: dict[bytes, float] = {}  # when a scan is next due that no event asks for
        self._due: dict[Node, float] = {}  # when a directory is to be listed
        self._linked: set[int] = set()  # inodes of changed files that have several names
        self._linked_due = 0.0
        self._inotify = self._open()
        self._watches = Watches(self._inotify) if self._inotify else None

    def _open(self) -> Inotify | None:
        try:
            return Inotify()
        except OSError as error:
            self.trouble = (
                f"changes can't be watched ({error.strerror}), directories are scanned now and "
                "then instead; other programs watch too much: "
                "sudo sysctl fs.inotify.max_user_instances=1024"
            )
            log.error("%s", self.trouble)
            return None

    @property
    def descriptors(self) -> tuple[int | None, int]:
        """Readable when something has happened; POLLPRI when a mount has changed."""
        return (self._inotify.fileno() if self._inotify else None), self._mounts.fileno()

    @property
    def directories(self) -> int:
        return self._watches.count if self._watches else 0

    @property
    def pending(self) -> list[bytes]:
        """The directories that are going to be listed."""
        return [node.path for node in list(self._due) if node.parent]

    def mode(self, root: bytes) -> str:
        """How changes below a root are noticed: "watched", "polled" or "scanned"."""
        if self._mounts.blind(root):
            return "polled"
        return "scanned" if self._watches is None or root in self._unwatched else "watched"

    def set_roots(self, roots: Iterable[bytes]) -> None:
        """What is to be watched from now on; who adds a root asks for its scan too."""
        before, self._roots = self._roots, frozenset(roots)
        for gone in before - self._roots:
            node = self._watches.find(gone) if self._watches else None
            if self._watches and node:
                node.is_root = False
                if self._wanted(gone) is None:
                    self._watches.drop(node)
        self._looks = {
            path: when
            for path, when in self._looks.items()
            if any(is_below(path, root) for root in self._roots)
        }

    # What the scanning thread tells

    def watch(self, path: bytes) -> Node | None:
        """Watches the directory at `path`, which is about to be listed, if it is to be watched."""
        node = self._wanted(path)
        if node is None or self._watches is None:
            return None
        try:
            self._watches.watch(node)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM):
                self._exhausted(path, error)
        else:
            if node.is_root:
                self._watches.watch_above(node)
        return node

    def _wanted(self, path: bytes) -> Node | None:
        """The node of a directory that is to be watched: a root, or below one and not skipped."""
        if self._watches is None or self._mounts.blind(path):
            return None
        if path in self._roots:
            node = self._watches.make(path)
            node.is_root = True
            return node
        parent = self._watches.find(os.path.dirname(path))
        if parent is None or parent.watch is None or parent.marked:
            return None
        return self._watches.make(path) if self.rules.enters(os.path.basename(path)) else None

    def _exhausted(self, path: bytes, error: OSError) -> None:
        inside = {root for root in self._roots if is_below(path, root)}
        self._unwatched |= inside
        self._failing |= inside
        if self.trouble is None:
            self.trouble = (
                f"only {self.directories} directories can be watched, the others are scanned "
                "every few minutes; for more: sudo sysctl fs.inotify.max_user_watches=524288"
            )
            log.error("%s (%s)", self.trouble, error.strerror)

    def rest(self, listing: Listing) -> None:
        """Holds files that a scan found and that were changed a moment ago."""
        now, clock = time.monotonic(), time.time_ns()
        for file in listing.files:
            age = (clock - file.mtime_ns) / 1e9
            if 0 <= age < REST_SECONDS:
                self._resting.hold(listing.path, file.name, now + REST_SECONDS - age)

    def listed(self, node: Node, listing: Listing, began: float, whole: bool) -> None:
        """A watched directory was listed; `whole`: what is below it is going to be, too."""
        now = time.monotonic()
        node.listed, node.cost = now, now - began
        node.marked = listing.marked
        if self._resting.release(listing.path, began):
            self._changed()
        if self._watches is None or listing.failure:
            return
        here = set(listing.directories)
        for name, child in list(node.children.items()):
            if name not in here and not child.is_root:
                self._watches.drop(child)
        for name in here if not whole else ():
            known = node.children.get(name)
            if known is None or known.watch is None:
                self._scan(_join(listing.path, name))

    def scanning(self, path: bytes) -> None:
        """A scan begins."""
        self._failing.discard(path)

    def scanned(self, path: bytes, there: bool) -> None:
        """A scan is over; `there`: whether the directory was."""
        if self._watches and not there and (node := self._watches.find(path)):
            node.is_root = False
            self._watches.drop(node)
            self._resting.forget(path)
        if path in self._roots:
            if path in self._unwatched and path not in self._failing:
                self._unwatched -= {path}
                if not self._unwatched:
                    self.trouble = None
            self._plan(path, there)

    def _plan(self, root: bytes, there: bool) -> None:
        """Notes when a root, or a mount in it, is to be scanned without an event's asking."""
        now = time.monotonic()
        if not there:
            self._looks[root] = now + _ABSENT_SECONDS
            return
        mode = self.mode(root)
        between = {"polled": _POLL_SECONDS, "scanned": _UNWATCHED_SECONDS}
        self._looks[root] = now + between.get(mode, _WATCHED_SECONDS)
        if mode != "polled":
            for point in self._mounts.blind_points(root):
                self._looks[point] = now + _POLL_SECONDS

    # What the scanning thread asks

    def timeout(self) -> float | None:
        """Seconds until there is something to do without an event; None for never."""
        times = [*self._due.values(), *self._looks.values()]
        now = time.monotonic()
        if self._linked:
            times.append(self._linked_due)
        deadline = self._resting.deadline()
        if deadline is not None and deadline > now:  # else its listing is due
            times.append(deadline)
        return max(0.0, min(times) - now) if times else None

    def next_listing(self) -> Node | None:
        """A directory that is to be listed now."""
        now = time.monotonic()
        for path in self._resting.overdue(now):
            node = self._watches.find(path) if self._watches else None
            if node and node.watch is not None:
                self._look(node)
            elif self._resting.release(path, now):
                self._changed()
        due = next((node for node, when in self._due.items() if when <= now), None)
        if due is not None:
            del self._due[due]
        return due

    def watches(self, path: bytes) -> bool:
        """Whether the directory at `path` is watched; anybody may ask."""
        node = self._watches.find(path) if self._watches else None
        return node is not None and node.watch is not None

    def is_root(self, path: bytes) -> bool:
        return path in self._roots

    def covering(self, path: bytes) -> bytes | None:
        """A root that `path` is in and that is watched as a whole; anybody may ask."""
        for root in self._roots:
            if is_below(path, root) and self.mode(root) == "watched" and self.watches(path):
                return root
        return None

    def look(self, path: bytes) -> bool:
        """Lists the directory at `path` soon, if it is watched; returns whether it is."""
        node = self._watches.find(path) if self._watches else None
        if node is None or node.watch is None:
            return False
        self._look(node)
        return True

    def _look(self, node: Node) -> None:
        if node not in self._due:
            now = time.monotonic()
            self._due[node] = max(now + _GATHER, node.listed + node.cost * _SHARE)

    def look_around(self) -> None:
        """Scans what is due without an event's asking: what isn't watched, what isn't there.

        Raises LibraryError.
        """
        now = time.monotonic()
        if self._linked and self._linked_due <= now:
            self._look_at_links()
        for path, when in list(self._looks.items()):
            if when > now:
                continue
            self._looks[path] = now + _POLL_SECONDS
            if os.path.isdir(path):
                self._scan(path)
            elif path in self._roots:
                self._looks[path] = now + _ABSENT_SECONDS
            else:
                del self._looks[path]

    def _look_at_links(self) -> None:
        """A file's change is told for the one of its names by which it was changed."""
        chosen = [self._linked.pop() for _ in range(min(len(self._linked), _LINKED_MOST))]
        self._linked_due = time.monotonic() + _LINKED_SECONDS
        for path in holders(self._library, chosen):
            self.look(path)

    def remounted(self) -> None:
        """The table of mounts has changed."""
        for point in self._mounts.update():
            for root in self._roots:
                if is_below(point, root) and self._enters(point, root):
                    self._scan(point if os.path.isdir(point) else os.path.dirname(point))
                elif is_below(root, point):
                    self._scan(root)

    def _enters(self, path: bytes, root: bytes) -> bool:
        """Whether a scan of `root` would come to `path`, but for marked directories."""
        return all(self.rules.enters(name) for name in path[len(root) :].split(b"/") if name)

    # What the kernel tells

    def catch_up(self) -> bool:
        """Handles what has happened so far. Returns whether anything was moved in the library."""
        moved = False
        for event in self._inotify.read() if self._inotify else ():
            moved |= self._handle(event)
        return moved

    def rescan(self) -> None:
        """Scans everything: something was missed."""
        for root in self._roots:
            self._scan(root)

    def _handle(self, event: Event) -> bool:
        assert self._watches is not None
        if event.mask & IN_OVERFLOW:
            self.lost += 1
            log.warning("the kernel's queue of events ran over; scanning everything")
            self.rescan()
            return False
        if event.mask & IN_SELF and (above := self._watches.above(event.watch)):
            self._scan_roots(above)
        nodes = self._watches.nodes(event.watch)
        if event.moved_to is not None:
            targets = self._watches.nodes(event.moved_to[0])
            if len(nodes) == len(targets) == 1:
                return self._move(event, nodes[0], targets[0], event.moved_to[1])
            for target in targets:
                self._arrived(target, event.moved_to[1], event.mask)
        for node in nodes:
            self._change(node, event)
        return False

    def _change(self, node: Node, event: Event) -> None:
        assert self._watches is not None
        mask, name = event.mask, event.name
        if mask & (IN_GONE | IN_SELF):
            if mask & IN_GONE:
                self._watches.unwatch(node)
            if node.is_root:
                self._scan_roots(node)
            elif mask & IN_GONE and node.parent is not None:
                self._look(node.parent)
        elif not name:
            self._look(node)
        elif mask & (IN_CREATE | IN_MOVED_TO) and mask & IN_DIRECTORY:
            self._arrived(node, name, mask)
        elif mask & IN_DIRECTORY:
            self._directory(node, name, mask)
        elif name in (NOSEARCH, CACHEDIR_TAG):
            self._look(node)
        elif self.rules.takes(name):
            self._file(node, name, mask)

    def _arrived(self, node: Node, name: bytes, mask: int) -> None:
        """Something is at a name now that wasn't there."""
        if not mask & IN_DIRECTORY:
            self._change(node, Event(0, IN_MOVED_TO, name))
        elif self.rules.enters(name) and not node.marked:
            self._look(node)
            child = node.children.get(name)
            if child is None or child.watch is None:
                self._scan(_join(node.path, name))

    def _directory(self, node: Node, name: bytes, mask: int) -> None:
        assert self._watches is not None
        child = node.children.get(name)
        if mask & (IN_DELETE | IN_MOVED_FROM):
            if child is not None:
                self._scan_roots(child)
                self._watches.drop(child)
                self._resting.forget(_join(node.path, name))
            self._look(node)
        elif mask & IN_ATTRIB and self.rules.enters(name) and not node.marked:
            if child is None or child.watch is None:
                self._scan(_join(node.path, name))
            else:
                self._look(child)

    def _scan_roots(self, node: Node) -> None:
        for below in node.below():
            if below.is_root:
                self._scan(below.path)

    def _file(self, node: Node, name: bytes, mask: int) -> None:
        path = node.path
        if mask & (IN_CREATE | IN_MODIFY):
            if self._resting.hold(path, name, time.monotonic() + REST_SECONDS):
                return  # the listing comes when it is closed, or rests
        elif mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM):
            self._resting.settle(path, name, time.monotonic())
            if mask & IN_CLOSE_WRITE:
                self._note_links(_join(path, name))
        self._look(node)

    def _note_links(self, path: bytes) -> None:
        try:
            info = os.lstat(path)
        except OSError:
            return
        if info.st_nlink > 1:
            if not self._linked:
                self._linked_due = max(self._linked_due, time.monotonic() + _GATHER)
            self._linked.add(info.st_ino)

    def _move(self, event: Event, source: Node, target: Node, name: bytes) -> bool:
        """A move whose halves are both known. Returns whether the library has it."""
        assert self._watches is not None
        old, new = _join(source.path, event.name), _join(target.path, name)
        directory = event.mask & IN_DIRECTORY
        matters = self.rules.enters if directory else self.rules.takes
        if not matters(event.name) or not matters(name) or target.marked:
            self._change(source, Event(0, IN_MOVED_FROM | directory, event.name))
            self._change(target, Event(0, IN_MOVED_TO | directory, name))
            return False
        if not directory:
            moved = move_file(self._library, old, new)
            self._change(source, Event(0, IN_MOVED_FROM, event.name))
            self._change(target, Event(0, IN_MOVED_TO, name))
            return moved
        child = source.children.get(event.name)
        moved = move_directory(self._library, old, new)
        if child is not None:
            if moved:
                self._watches.move(child, target, name)
                self._resting.move(old, new)
            else:
                self._directory(source, event.name, IN_MOVED_FROM)
        if not moved or child is None or child.watch is None or self._scans(old):
            self._scan(new)
        self._look(source)
        self._look(target)
        return moved


def _join(directory: bytes, name: bytes) -> bytes:
    return directory.rstrip(b"/") + b"/" + name
