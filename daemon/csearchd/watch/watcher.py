"""The watcher: turns the kernel's events, mounts and time into requests for listings and scans.

The scanning thread (scanner.py) calls it, so that a move is never applied in the middle of a
listing. Any thread may use what is in the section "For any thread".
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable

from csearchd.errors import LibraryError
from csearchd.library.library import Library
from csearchd.library.listings import Listing
from csearchd.library.roots import is_below
from csearchd.library.roots import roots as paths
from csearchd.library.volumes import disks
from csearchd.reasons import Reason
from csearchd.system.writers import has_writer
from csearchd.watch.annex.content_watches import ContentWatches
from csearchd.watch.coverage import Coverage
from csearchd.watch.debounce import Debounce
from csearchd.watch.events import EventHandler, join
from csearchd.watch.exclusion.admission import Admission
from csearchd.watch.exclusion.boundaries import Boundaries
from csearchd.watch.hard_links import HardLinks
from csearchd.watch.inotify import IN_OVERFLOW
from csearchd.watch.listing_queue import ListingQueue
from csearchd.watch.mounts import Mounts
from csearchd.watch.remote.calls import RemoteCalls
from csearchd.watch.remote.polling import Polling
from csearchd.watch.remote.remote_mounts import RemoteMounts
from csearchd.watch.rules import Rules
from csearchd.watch.watches import Node, Watches

log = logging.getLogger(__name__)

# Seconds between scans of a root: one that doesn't exist, one that is watched, and one of which a
# part isn't watched
_MISSING_SECONDS = 3.0
_WATCHED_SECONDS = 86400.0
_UNWATCHED_SECONDS = 300.0


class Watcher:
    """Watches the roots, and says what must be listed or scanned, and when."""

    def __init__(
        self,
        library: Library,
        rules: Rules,
        debounce: Debounce,
        scan: Callable[[bytes], object],
        is_scanning: Callable[[bytes], bool],
        released: Callable[[], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """`scan` requests a scan of the directory at a path; `is_scanning` tells whether a scan of
        it, or of one above or below it, is under way.

        `released` is called when files that were held back may be read, `failed` with an unexpected
        error in the handling of an event, which is lost.
        """
        self.overflows = 0  # how often the kernel's queue of events has overflowed
        self._library = library
        self._debounce = debounce
        self._request = scan
        self._released = released
        self._failed = failed
        self._mounts = Mounts()
        # Any thread may call these.
        self.resolve_local = self._mounts.resolve_local
        calls = self._calls = RemoteCalls(self._mounts)
        self.timed_call, self.exists = calls.timed_call, calls.exists
        self.existing_paths = calls.existing_paths
        self._roots: dict[bytes, int] = {}  # with the number of `overflows` when they were added
        self._polling = Polling()
        rules = rules.resolved(self.resolve_local)
        self._boundaries = Boundaries(rules, self._mounts.table)
        enters = self._boundaries.may_enter
        self.remote = RemoteMounts(
            library, self._mounts, calls, self._polling, lambda: self.roots, enters
        )
        self._coverage = Coverage()
        self._inotify = self._coverage.open()
        self._watches = Watches(self._inotify)
        self._contents = ContentWatches(self._inotify, self._watches)
        self._watches.unwatched = self._contents.forget
        self._listing_queue = ListingQueue()
        self._links = HardLinks(library)
        self._admission = Admission(self._boundaries, self.timed_call, self._scan)
        self.admits = self._admission.admits
        self._events = EventHandler(
            library,
            rules,
            self._watches,
            self._listing_queue,
            debounce,
            self._links,
            self._contents,
            self._admission.on_marks_changed,
            self._scan,
            is_scanning,
        )

    @property
    def last_error(self) -> Reason | None:
        """Why not everything is watched; None if it is."""
        return self._coverage.last_error

    @property
    def rules(self) -> Rules:
        return self._events.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._events.rules = self._boundaries.rules = rules.resolved(self.resolve_local)

    @property
    def descriptors(self) -> tuple[int | None, int]:
        """The descriptor that is readable when there are events, and the one that reports POLLPRI
        when the mounts have changed."""
        return (self._inotify.fileno() if self._inotify else None), self._mounts.fileno()

    # For any thread

    @property
    def watched_directories(self) -> int:
        """The number of watched directories."""
        return self._watches.count

    @property
    def pending(self) -> list[bytes]:
        """The paths of directories that will be listed."""
        return self._listing_queue.pending

    @property
    def roots(self) -> frozenset[bytes]:
        """The paths of the roots."""
        return frozenset(self._roots)

    def is_root(self, path: bytes) -> bool:
        """Whether `path` is a root."""
        return path in self._roots

    def mode(self, root: bytes) -> str:
        """How changes below a root are noticed: "watched" by inotify, "polled", since inotify
        doesn't report them, or "scanned" every few minutes, since not all of it can be watched."""
        if self._mounts.needs_polling(root):
            return "polled"
        partly = self._inotify is None or self._coverage.is_partial(root) or not self.watches(root)
        return "scanned" if partly else "watched"

    def watches(self, path: bytes) -> bool:
        """Whether the directory at `path` is watched."""
        node = self._watches.find(path)
        return node is not None and node.watch is not None

    def covering(self, path: bytes) -> bytes | None:
        """The completely watched root that `path`, itself watched and not excluded by a file in it,
        is in; None if there is none."""
        node = self._watches.find(path)
        for root in self._roots if node and not node.marked else ():
            if is_below(path, root) and self.mode(root) == "watched" and self.watches(path):
                return root
        return None

    def watched_below(self, root: bytes) -> int:
        """The number of watched directories at and below a root."""
        node = self._watches.find(root)
        return sum(n.watch is not None for n in node.below()) if node else 0

    def overflows_since(self, root: bytes) -> int:
        """How often the queue of events has overflowed since `root` was added."""
        return self.overflows - self._roots.get(root, self.overflows)

    # Roots and mounts

    def _scan(self, path: bytes) -> None:
        """Requests a scan, unless `path` is on a network or cloud file system that wasn't added."""
        if not self.remote.is_left_out(path):
            self._request(path)

    def set_roots(self, roots: Iterable[bytes]) -> None:
        """Sets the roots. The caller must also request scans of new ones."""
        before = self._roots
        self._roots = {root: before.get(root, self.overflows) for root in roots}
        for removed in before.keys() - self._roots.keys():
            if node := self._watches.find(removed):
                node.is_root = False
                if self._wanted(removed) is None:
                    self._watches.drop(node)
        self._coverage.set_roots(self.roots)
        self._admission.update(roots=self._roots)
        self._listing_queue.keep_scans(
            lambda path: any(is_below(path, root) for root in self._roots)
        )

    def reconcile_mounts(self) -> set[bytes]:
        """Updates the library for what is mounted now.

        Returns the changed paths, for `scan_mounted`. Raises LibraryError.
        """
        points = self._calls.update_mounts()
        self._admission.update(self._mounts.table)
        roots = paths(self._library)
        seen = disks.reconcile(
            self._library,
            self._mounts.volumes,
            lambda path: any(self._boundaries.may_enter(path, root) for root in roots),
        )
        return points.union(seen)

    def scan_mounted(self, changed: set[bytes]) -> None:
        """Requests scans of what is at the `changed` mount points, in and above roots."""
        for point in changed:
            for root in self._roots:
                if point == root or self._boundaries.may_enter(point, root):
                    exists = self._mounts.needs_polling(point) or os.path.isdir(point)
                    self._scan(point if exists else os.path.dirname(point))
                elif is_below(root, point):
                    self._scan(root)

    @property
    def remounted(self) -> bool:
        """Whether the table of mounts has changed since the last call."""
        return self._mounts.changed()

    # Listing a directory

    def watch(self, path: bytes) -> Node | None:
        """Watches the directory at `path`, which is about to be listed, if it is in a root. Returns
        its node; None if it isn't to be watched."""
        node = self._wanted(path)
        if node is None:
            return None
        try:
            if self._watches.watch(node):
                self._scan(path)
        except OSError as error:
            self._coverage.lose(path, error, self._watches, self.roots)
        else:
            if node.is_root:
                self._watches.watch_above(node)
        return node

    def _wanted(self, path: bytes) -> Node | None:
        """The node of a directory that is to be watched: a root, what was asked for in one, or one
        below a watched directory."""
        if self._mounts.needs_polling(path):
            return None
        if path in self._roots:
            node = self._watches.make(path)
            node.is_root = True
            return node
        if self._boundaries.is_asked_in_root(path):
            return self._watches.make(path)
        parent = self._watches.find(os.path.dirname(path))
        if parent is None or parent.watch is None or parent.marked:
            return None
        return self._watches.make(path) if self.rules.enters(os.path.basename(path)) else None

    def read(self, path: bytes) -> Listing | None:
        """The listing of the directory at `path`; None if there is none. If it can't be listed, the
        listing's `failure` says why."""
        inside = [root for root in self._roots if is_below(path, root)]
        return self._calls.list_directory(
            path, self._boundaries, max(inside, key=len, default=b"/")
        )

    def hold_recent(self, listing: Listing) -> None:
        """Holds back files that a scan has found and that may still be written."""
        self._debounce.hold_recent(listing, self._mounts.needs_polling(listing.path))

    def on_listed(self, node: Node, listing: Listing, began: float, whole: bool) -> None:
        """Updates the tree of watches after the listing of a watched directory.

        `began`: when the listing began, monotonic seconds. `whole`: whether the directories below
        it are going to be listed too.
        """
        now = time.monotonic()
        node.listed, node.cost = now, now - began
        node.marked, node.has_ignore_file = listing.marked, listing.has_ignore_file
        self._debounce.keep_open_files(listing.path, began, has_writer)
        if self._contents.update(node, listing.contents):
            self._listing_queue.list_soon(node)
        if self._debounce.release(listing.path, began):
            self._released()
        if listing.failure:
            return
        names = set(listing.directories)
        for name, child in list(node.children.items()):
            if name not in names and name not in listing.kept and not child.is_root:
                self._watches.drop(child)
        for name in names if not whole else ():
            known = node.children.get(name)
            below = join(listing.path, name)
            if (known is None or known.watch is None) and self.remote.passes(below):
                self._scan(below)

    # Scanning

    def resume(self, root: bytes, scanned: int | None) -> bool:
        """Plans the next scan of a root on a network or cloud file system when the service starts.

        `scanned`: when it was scanned last, seconds since 1970. Returns False if it is due, or not
        on such a file system.
        """
        left = self.remote.seconds_left(root, scanned)
        if left is not None:
            self._listing_queue.scan_in(root, left)
        return left is not None

    def on_scan_started(self, path: bytes) -> None:
        """Must be called when a scan of `path` starts."""
        self._coverage.begin_scan(path)
        if path in self._roots:  # the rules may be others, or marks that nobody reported
            self._admission.update()

    def on_excluded(self, path: bytes) -> None:
        """Must be called when the directory at `path` isn't read any more."""
        if node := self._watches.find(path):
            self._watches.drop(node)
        self._debounce.forget(path)

    def on_scan_finished(self, path: bytes, exists: bool, changed: bool, cost: float) -> None:
        """Must be called when a scan of `path` is finished. `exists`: whether the directory does.
        `changed`: whether anything had changed. `cost`: the seconds that the scan took."""
        if not exists and (node := self._watches.find(path)):
            node.is_root = False
            self._watches.drop(node)
            self._debounce.forget(path)
        self._coverage.end_scan(path)
        remote = self._mounts.remote_mount(path) is not None
        own = self.remote.has_own_scans(path)
        if remote or own or path in self._roots:
            polled = self._polling.next(path, changed, cost, remote)
        if own or path in self._roots:
            self._schedule(path, exists, polled)
            if remote and exists:
                self.remote.keep_cost(path)

    def _schedule(self, root: bytes, exists: bool, polled: float) -> None:
        """Sets when a root, and the mounts in it that need polling, are to be scanned again.
        `polled`: the seconds until a polled one is."""
        if not exists:
            seconds = polled if self._mounts.needs_polling(root) else _MISSING_SECONDS
            self._listing_queue.scan_in(root, seconds)
            return
        mode = self.mode(root)
        between = {"polled": polled, "scanned": _UNWATCHED_SECONDS}
        self._listing_queue.scan_in(root, between.get(mode, _WATCHED_SECONDS))
        if mode != "polled":
            for point in self._mounts.polled_mounts(root):
                if self._mounts.remote_mount(point) is None:
                    self._listing_queue.scan_in(point, polled)

    def request_due_scans(self) -> None:
        """Requests the scans whose time has come, and listings for other hard links of changed
        files.

        Raises LibraryError.
        """
        now = time.monotonic()
        for path in self._links.directories(now):
            self.list_soon(path)
        for path in self._listing_queue.next_scans():
            if self._mounts.needs_polling(path) or os.path.isdir(path):
                self._scan(path)
            elif path in self._roots:
                self._listing_queue.scan_in(path, _MISSING_SECONDS)

    def rescan(self) -> None:
        """Requests scans of all that is watched and sends events, after some were missed."""
        for path in {*self._roots, *self._boundaries.asked_in_roots()}:
            if not self._mounts.needs_polling(path):
                self._scan(path)

    # Events and listings that are due

    def handle_events(self) -> bool:
        """Handles all events so far. Returns whether one moved anything in the library. Raises
        LibraryError."""
        moved = False
        for event in self._inotify.read() if self._inotify else ():
            if event.mask & IN_OVERFLOW:
                self.overflows += 1
                log.warning("the kernel's queue of events overflowed; watched roots are scanned")
                self.rescan()
                continue
            try:
                moved |= self._events.handle(event)
            except LibraryError:
                raise
            except Exception as error:  # it must not affect the other events
                self._failed(error)
        return moved

    def timeout(self) -> float | None:
        """The seconds until something is due without an event; None if nothing is."""
        now = time.monotonic()
        deadline = self._debounce.deadline()
        if deadline is not None and deadline <= now and self._listing_queue.pending:
            deadline = None  # its listing is queued already
        times = (self._listing_queue.earliest(), self._links.earliest(), deadline)
        earliest = min((when for when in times if when is not None), default=None)
        return None if earliest is None else max(0.0, earliest - now)

    def next_listing(self) -> Node | None:
        """The node of a directory that is to be listed now; None if there is none."""
        now = time.monotonic()
        for path in self._debounce.expired(now):
            node = self._watches.find(path)
            if node is None or node.watch is None:
                continue
            if self._debounce.keep_open_files(path, now, has_writer):
                self._listing_queue.list_soon(node)
        return self._listing_queue.next_listing(now)

    def rested_elsewhere(self) -> list[bytes]:
        """The directories that aren't watched, of which files were held back long enough. They must
        be listed, since the files may have changed, and then passed to `release`."""
        now, rested = time.monotonic(), []
        for path in self._debounce.expired(now):
            if self.watches(path):
                continue
            polled = self._mounts.needs_polling(path)  # then a program may not answer
            if self._library.tree.find(path) is None:
                self._debounce.forget(path)  # it was removed
            elif polled or self._debounce.keep_open_files(path, now, has_writer):
                rested.append(path)
        return rested

    def release(self, path: bytes) -> None:
        """Releases the files of a directory that rest."""
        if self._debounce.release(path, time.monotonic()):
            self._released()

    def is_polled(self, path: bytes) -> bool:
        """Whether `path` is on a file system whose changes inotify doesn't all report."""
        return self._mounts.needs_polling(path)

    def list_soon(self, path: bytes) -> bool:
        """Queues a listing of the directory at `path`, if it is watched. Returns whether it is."""
        if (node := self._watches.find(path)) is None or node.watch is None:
            return False
        self._listing_queue.list_soon(node)
        return True
