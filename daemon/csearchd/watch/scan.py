"""A scan of a directory and all below it, and which scans were a moment ago."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

from csearchd.library.listings import Listing
from csearchd.library.roots import is_below

_FRESH_SECONDS = 2.0  # after a scan, during which another is no use


class Scan:
    """The state of one scan. Other threads may wait for `done`, and read `found`."""

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.requested = time.monotonic()  # when a client last requested it
        self.done = threading.Event()
        self.remaining = [path]  # directories that must still be listed, the next one last
        self.found = 0  # pictures listed so far
        self.is_asked = False  # a client has requested it, not an event or the time
        self.begun = False
        self.again = False  # it must start over at its end, since it was requested again
        self.changed = False  # a listing has changed the library
        self.left_out: tuple[bytes, ...] = ()  # what was forgotten meanwhile
        self.cost = 0.0  # seconds that it has taken so far
        self.failures = 0  # unexpected errors

    def leave_out(self, path: bytes) -> None:
        """Leaves out the directory at `path` and all below it, since it was forgotten."""
        self.left_out = (*self.left_out, path)
        self.remaining = [each for each in self.remaining if self.includes(each)]

    def includes(self, path: bytes) -> bool:
        """Whether the directory at `path` wasn't left out."""
        return not any(is_below(path, other) for other in self.left_out)

    def start_over(self) -> None:
        """Lists everything again."""
        self.remaining, self.found, self.failures = [self.path], 0, 0
        self.begun = self.again = False


class Scans:
    """The scans that are requested or under way, the next one last. Its user's `lock` guards it,
    which every method takes."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._scans: dict[bytes, Scan] = {}  # by path

    def request(self, path: bytes, again: bool, is_asked: bool) -> Scan:
        """Puts a scan of `path` before all others; see Scanner.scan."""
        with self._lock:
            scan = self._scans.pop(path, None) or Scan(path)
            # One that has begun without being asked for may have left out the directory itself.
            scan.again |= scan.begun and (again or (is_asked and not scan.is_asked))
            scan.is_asked |= is_asked
            if is_asked:
                scan.requested, scan.left_out = time.monotonic(), ()
            self._scans[path] = scan
        return scan

    def unasked(self, path: bytes | None) -> None:
        """Nobody asks for the scan of `path` any more."""
        with self._lock:
            if path in self._scans:
                self._scans[path].is_asked = False

    def paths(self) -> list[bytes]:
        with self._lock:
            return list(self._scans)

    def all(self) -> list[Scan]:
        with self._lock:
            return list(self._scans.values())

    def next(self) -> Scan | None:
        """The one to go on with."""
        with self._lock:
            return next(reversed(self._scans.values()), None)

    def finish(self, scan: Scan) -> bool:
        """Removes a finished scan. If it was requested again, it starts over instead; returns
        False."""
        with self._lock:
            if scan.again:
                scan.start_over()
                return False
            # From here on, a request starts another scan.
            del self._scans[scan.path]
            return True

    def end(self, scan: Scan) -> None:
        """Ends a scan, whatever is left of it."""
        with self._lock:
            del self._scans[scan.path]
        scan.done.set()

    def leave_out(self, path: bytes, kept: Collection[bytes]) -> None:
        """Ends scans of `path` and below it, but for the directories in `kept` and below them, and
        lets those above leave it out."""
        for scan in self.all():
            if any(is_below(scan.path, other) for other in kept):
                continue
            if is_below(scan.path, path):
                self.end(scan)
            elif is_below(path, scan.path):
                scan.leave_out(path)

    def on_listed(self, listing: Listing, roots: Collection[bytes], by: Scan | None) -> None:
        """Lets other scans than the one `by` which a directory was listed leave out what isn't
        read there any more. What is in one of the `roots` below it doesn't depend on it."""
        path, names = listing.path, {*listing.directories, *listing.kept}
        prefix = path.rstrip(b"/") + b"/"
        inner = [root for root in roots if root != path and is_below(root, path)]

        def is_gone(below: bytes) -> bool:
            return (
                below.startswith(prefix)
                and below[len(prefix) :].partition(b"/")[0] not in names
                and not any(is_below(below, root) for root in inner)
            )

        for scan in self.all():
            if scan is by:
                continue
            if is_gone(scan.path):
                # At its start it is found out whether that is to be read.
                scan.remaining, scan.found = [scan.path], 0
            elif is_below(path, scan.path):
                scan.remaining = [each for each in scan.remaining if not is_gone(each)]

    def restart(self) -> None:
        """Starts all scans over."""
        with self._lock:
            for scan in self._scans.values():
                scan.remaining = [scan.path]


class RecentScans:
    """The paths that were scanned a moment ago. Its user must hold a lock."""

    def __init__(self) -> None:
        self._paths: dict[bytes, float] = {}  # when they were, monotonic seconds, the oldest first

    def has(self, path: bytes) -> bool:
        before = self._paths.get(path)
        return before is not None and time.monotonic() - before <= _FRESH_SECONDS

    def note(self, path: bytes) -> None:
        """Records that `path` was just scanned."""
        now = time.monotonic()
        self._paths.pop(path, None)
        self._paths[path] = now
        while now - next(iter(self._paths.values())) > _FRESH_SECONDS:
            del self._paths[next(iter(self._paths))]
