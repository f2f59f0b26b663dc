"""The watch: the kernel's events are hints that lead to listings, and moves that need none.

Everything here is called by the scanning thread alone, so that a move and a listing that was read
before it can't cross; but for `mode`, `directories`, `lost` and `last_error`, which anybody may
read, and for `there`, `ask` and `local`.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from csearchd.concurrency.timed_calls import TimedCalls
from csearchd.errors import LibraryError, Unanswered
from csearchd.library.library import Library
from csearchd.library.listings import Listing
from csearchd.library.roots import is_below
from csearchd.library.roots import roots as paths
from csearchd.library.volumes import disks
from csearchd.reasons import Reason, from_system
from csearchd.reasons import service as reasons
from csearchd.watch.debounce import REST_SECONDS, Debounce
from csearchd.watch.directory_listing import KERNELS, read_listing
from csearchd.watch.events import EventHandler, join
from csearchd.watch.hard_links import Links
from csearchd.watch.inotify import IN_OVERFLOW, Inotify
from csearchd.watch.listing_queue import ListingQueue
from csearchd.watch.mounts import Mounts
from csearchd.watch.polling import Polling
from csearchd.watch.rules import Rules
from csearchd.watch.watches import Node, Watches
from csearchd.watch.writers import may_have_writer

log = logging.getLogger(__name__)

T = TypeVar("T")

_ABSENT_SECONDS = 3.0  # between looks for a root that isn't there
_WATCHED_SECONDS = 86400.0  # between scans of a root that is watched
_LISTING_SECONDS = 5.0  # that a server of files may take to list a directory,
_ANSWER_SECONDS = 0.5  # and to say whether a file is there, for which somebody waits
_UNWATCHED_SECONDS = 300.0  # between scans of a root that couldn't be watched as a whole


class Watcher:
    """Says what must be listed or scanned, and when."""

    def __init__(
        self,
        library: Library,
        rules: Rules,
        debounce: Debounce,
        scan: Callable[[bytes], object],
        scans: Callable[[bytes], bool],
        changed: Callable[[], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """`scan` asks for a directory and all below it; `scans`: whether that is under way.

        `changed` is called when files may be read that were held; `failed` with an error that an
        event led to and nobody thought of: what the event told is lost.
        """
        self.overflows = 0  # times that the kernel's queue ran over
        self.last_error: Reason | None = None
        self._library = library
        self._debounce = debounce
        self._scan = scan
        self._changed = changed
        self._failed = failed
        self._mounts = Mounts()
        self.resolve_local, self.pulled_out = self._mounts.resolve_local, self._mounts.pulled_out
        self._roots: dict[bytes, int] = {}  # with `lost` as it was when they became ones
        self._unwatched: frozenset[bytes] = frozenset()  # roots of which a part isn't watched
        self._failing: set[bytes] = set()  # those of which that was seen since their scan began
        self._inotify = self._open()
        self._watches = Watches(self._inotify)
        self._listing_queue = ListingQueue()
        self._polling = Polling()
        self._patience = TimedCalls(_LISTING_SECONDS)
        self._short_patience = TimedCalls(_ANSWER_SECONDS)
        self._links = Links(library)
        self._events = EventHandler(
            library, rules, self._watches, self._listing_queue, debounce, self._links, scan, scans
        )

    def _open(self) -> Inotify | None:
        try:
            return Inotify()
        except OSError as error:
            self.last_error = reasons.NOT_WATCHED(
                reason=from_system(error),
                command="sudo sysctl fs.inotify.max_user_instances=1024",
            )
            log.error("%s", self.last_error)
            return None

    @property
    def rules(self) -> Rules:
        return self._events.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._events.rules = rules

    @property
    def descriptors(self) -> tuple[int | None, int]:
        """Readable when something has happened; POLLPRI when a mount has changed."""
        return (self._inotify.fileno() if self._inotify else None), self._mounts.fileno()

    @property
    def directories(self) -> int:
        return self._watches.count

    @property
    def pending(self) -> list[bytes]:
        """The directories that are going to be listed."""
        return self._listing_queue.pending

    def mode(self, root: bytes) -> str:
        """How changes below a root are noticed: "watched", "polled" or "scanned"."""
        if self._mounts.blind(root):
            return "polled"
        partly = self._inotify is None or root in self._unwatched or not self.watches(root)
        return "scanned" if partly else "watched"

    def watched_below(self, root: bytes) -> int:
        """How many directories are watched below a root, itself included; anybody may ask."""
        node = self._watches.find(root)
        return sum(n.watch is not None for n in node.below()) if node else 0

    def overflows_since(self, root: bytes) -> int:
        """How often events were lost since this has been a root; anybody may ask."""
        return self.overflows - self._roots.get(root, self.overflows)

    def set_roots(self, roots: Iterable[bytes]) -> None:
        """What is to be watched from now on; who adds a root asks for its scan too."""
        before = self._roots
        self._roots = {root: before.get(root, self.overflows) for root in roots}
        for gone in before.keys() - self._roots.keys():
            if node := self._watches.find(gone):
                node.is_root = False
                if self._wanted(gone) is None:
                    self._watches.drop(node)
        if self._unwatched and not self._unwatched & self.roots:
            self.last_error = None
        self._unwatched &= self.roots
        self._listing_queue.keep_scans(
            lambda path: any(is_below(path, root) for root in self._roots)
        )

    # What the scanning thread tells

    def watch(self, path: bytes) -> Node | None:
        """Watches the directory at `path`, which is about to be listed, if it is to be watched."""
        node = self._wanted(path)
        if node is None:
            return None
        try:
            if self._watches.watch(node):
                self._scan(path)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM):
                self._exhausted(path, error)
        else:
            if node.is_root:
                self._watches.watch_above(node)
        return node

    def _wanted(self, path: bytes) -> Node | None:
        """The node of a directory that is to be watched: a root, or below one and not skipped."""
        if self._mounts.blind(path):
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
        if self.last_error is None:
            self.last_error = reasons.FEW_WATCHES(
                count=self.directories, command="sudo sysctl fs.inotify.max_user_watches=524288"
            )
            log.error("%s (%s)", self.last_error, error.strerror)

    def read(self, path: bytes) -> Listing | None:
        """The listing of one directory, None if it isn't there; waits for no server that hangs."""
        lasting, point = self._mounts.lasting(path), self._mounts.blind_point(path)
        inside = [root for root in self._roots if is_below(path, root)]
        read = partial(read_listing, path, self.rules, lasting, max(inside, key=len, default=b"/"))
        if point is None:
            return read()
        try:
            return self._patience.call(point, read)
        except Unanswered:
            shown = os.fsdecode(point)
            return Listing(path, (), (), b"", f"cannot be listed: {shown} doesn't answer")

    def exists(self, path: bytes) -> bool:
        """Whether a file is there, as far as a server that may hang says so; anybody may ask."""
        try:
            return self.timed_call(path, lambda: os.access(path, os.F_OK, follow_symlinks=False))
        except Unanswered:
            return True

    def existing_paths(self, paths: Iterable[bytes]) -> list[bool]:
        """As `there`, of the thousand files of a search."""
        blind = self._mounts.blind_prefixes
        return [
            self.exists(path)
            if path.startswith(blind)
            else os.access(path, os.F_OK, follow_symlinks=False)  # half the time of lexists
            for path in paths
        ]

    def timed_call(self, path: bytes, question: Callable[[], T], patient: bool = False) -> T:
        """What `question`, about a file at `path`, returns or raises; anybody may ask.

        Raises Unanswered where `path` is on a file system whose server hangs. Who is `patient`
        allows for disks that sleep.
        """
        point = self._mounts.blind_point(path)
        patience = self._patience if patient else self._short_patience
        return question() if point is None else patience.call(point, question)

    def rest(self, listing: Listing) -> None:
        """Holds files that a scan found and that may still be written."""
        now, clock = time.monotonic(), time.time_ns()
        blind = self._mounts.blind(listing.path)  # and may not answer
        for file in listing.files:
            age = (clock - file.mtime_ns) / 1e9
            path = join(listing.path, file.name)
            if 0 <= age < REST_SECONDS and (blind or may_have_writer(path)):
                self._debounce.hold(listing.path, file.name, now + REST_SECONDS - age)

    def listed(self, node: Node, listing: Listing, began: float, whole: bool) -> None:
        """A watched directory was listed; `whole`: what is below it is going to be, too."""
        now = time.monotonic()
        node.listed, node.cost = now, now - began
        node.marked = listing.marked
        if self._debounce.release(listing.path, began):
            self._changed()
        if listing.failure:
            return
        here = set(listing.directories)
        for name, child in list(node.children.items()):
            if name not in here and not child.is_root:
                self._watches.drop(child)
        for name in here if not whole else ():
            known = node.children.get(name)
            if known is None or known.watch is None:
                self._scan(join(listing.path, name))

    def scanning(self, path: bytes) -> None:
        """A scan begins."""
        self._failing.discard(path)

    def scanned(self, path: bytes, there: bool, changed: bool, cost: float) -> None:
        """A scan is over: was the directory there, had anything changed; the seconds it took."""
        if not there and (node := self._watches.find(path)):
            node.is_root = False
            self._watches.drop(node)
            self._debounce.forget(path)
        if path in self._roots and path in self._unwatched and path not in self._failing:
            self._unwatched -= {path}
            if not self._unwatched:
                self.last_error = None
        if path in self._roots or self._mounts.blind_point(path) == path:
            self._plan(path, there, self._polling.next(path, changed, cost))

    def _plan(self, root: bytes, there: bool, polled: float) -> None:
        """Notes when a root, or a mount in it, is to be scanned without an event's asking."""
        if not there:
            self._listing_queue.scan_in(root, _ABSENT_SECONDS)
            return
        mode = self.mode(root)
        between = {"polled": polled, "scanned": _UNWATCHED_SECONDS}
        self._listing_queue.scan_in(root, between.get(mode, _WATCHED_SECONDS))
        if mode != "polled":
            for point in self._mounts.blind_points(root):
                self._listing_queue.scan_in(point, polled)

    # What the scanning thread asks

    def timeout(self) -> float | None:
        """Seconds until there is something to do without an event; None for never."""
        now = time.monotonic()
        deadline = self._debounce.deadline()
        if deadline is not None and deadline <= now:
            deadline = None  # its listing is on the agenda
        times = (self._listing_queue.earliest(), self._links.earliest(), deadline)
        earliest = min((when for when in times if when is not None), default=None)
        return None if earliest is None else max(0.0, earliest - now)

    def next_listing(self) -> Node | None:
        """A directory that is to be listed now."""
        now = time.monotonic()
        for path in self._debounce.overdue(now):
            node = self._watches.find(path)
            if node and node.watch is not None:
                self._listing_queue.list_soon(node)
            elif self._debounce.release(path, now):
                self._changed()
        return self._listing_queue.next_listing(now)

    def watches(self, path: bytes) -> bool:
        """Whether the directory at `path` is watched; anybody may ask."""
        node = self._watches.find(path)
        return node is not None and node.watch is not None

    @property
    def roots(self) -> frozenset[bytes]:
        return frozenset(self._roots)

    def is_root(self, path: bytes) -> bool:
        return path in self._roots

    def covering(self, path: bytes) -> bytes | None:
        """A root that `path` is in and that is watched as a whole; anybody may ask."""
        for root in self._roots:
            if is_below(path, root) and self.mode(root) == "watched" and self.watches(path):
                return root
        return None

    def list_soon(self, path: bytes) -> bool:
        """Lists the directory at `path` soon, if it is watched; returns whether it is."""
        node = self._watches.find(path)
        if node is None or node.watch is None:
            return False
        self._listing_queue.list_soon(node)
        return True

    def look_around(self) -> None:
        """Scans what is due without an event's asking: what isn't watched, what isn't there.

        Raises LibraryError.
        """
        now = time.monotonic()
        for path in self._links.directories(now):
            self.list_soon(path)
        for path in self._listing_queue.next_scans():
            if self._mounts.blind(path) or os.path.isdir(path):
                self._scan(path)
            elif path in self._roots:
                self._listing_queue.scan_in(path, _ABSENT_SECONDS)

    @property
    def remounted(self) -> bool:
        """Whether the table of mounts has changed since this was asked last."""
        return self._mounts.changed()

    def reconcile_mounts(self) -> set[bytes]:
        """Lets the library's disks go and come with what is mounted now.

        Returns what has changed by that, for `scan_mounted`. Raises LibraryError.
        """
        points = self._mounts.update()
        roots = paths(self._library)
        return points.union(
            disks.reconcile(
                self._library,
                self._mounts.volumes,
                lambda path: any(self._enters(path, root) for root in roots),
            )
        )

    def scan_mounted(self, changed: set[bytes]) -> None:
        """Scans what of the roots is where something else is mounted now."""
        for point in changed:
            for root in self._roots:
                if point == root or self._enters(point, root):
                    there = self._mounts.blind(point) or os.path.isdir(point)
                    self._scan(point if there else os.path.dirname(point))
                elif is_below(root, point):
                    self._scan(root)

    def _enters(self, path: bytes, root: bytes) -> bool:
        """Whether a scan of `root` would come to `path` below it, but for marked directories."""
        names = [name for name in path[len(root) :].split(b"/") if name]
        if not names or not is_below(path, root) or (root == b"/" and names[0] in KERNELS):
            return False
        return all(self.rules.enters(name) for name in names)

    # What the kernel tells

    def catch_up(self) -> bool:
        """Handles what has happened so far. Returns whether anything was moved in the library.

        Raises LibraryError.
        """
        moved = False
        for event in self._inotify.read() if self._inotify else ():
            if event.mask & IN_OVERFLOW:
                self.overflows += 1
                log.warning("the kernel's queue of events ran over; scanning everything")
                self.rescan()
                continue
            try:
                moved |= self._events.handle(event)
            except LibraryError:
                raise
            except Exception as error:  # the other events must not be lost with it
                self._failed(error)
        return moved

    def rescan(self) -> None:
        """Scans everything: something was missed."""
        for root in self._roots:
            self._scan(root)
