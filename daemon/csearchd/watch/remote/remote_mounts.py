"""What is read of network and cloud file systems, and which programs behind mounts have ended.

A network or cloud file system is read only if it, or a directory in it, is a root or named by a
client: a scan from above doesn't enter it. What is read of it is scanned at a pace of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection

from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.library.roots import is_below
from csearchd.system.filesystem import Mount
from csearchd.watch.mounts import Mounts
from csearchd.watch.remote.calls import RemoteCalls
from csearchd.watch.remote.polling import Polling

_COSTS, _FORGOTTEN = "scan-costs", "unread-mounts-forgotten"  # names of the library's settings


class RemoteMounts:
    """Any thread may use it."""

    def __init__(
        self,
        library: Library,
        mounts: Mounts,
        calls: RemoteCalls,
        polling: Polling,
        roots: Callable[[], Collection[bytes]],
        enters: Callable[[bytes, bytes], bool],
    ) -> None:
        """`roots` gives the paths of the roots. `enters` tells whether a scan of a root (the second
        path) enters the first, as far as its names decide."""
        self._library = library
        self._mounts = mounts
        self._calls = calls
        self._polling = polling
        self._roots = roots
        self._enters = enters

    # Network and cloud file systems

    def unread_below(self, path: bytes | None = None) -> list[Mount]:
        """Those below roots of which nothing was added, so that they are not read; with `path`, a
        new root, only those below that."""
        roots = {*self._roots(), *([path] if path else ())}
        unread = self._mounts.left_out(roots, self._enters)
        return [mount for mount in unread if path is None or is_below(mount.point, path)]

    def is_left_out(self, path: bytes) -> bool:
        """Whether `path` is on one of which neither it nor a directory above it was added."""
        return self._mounts.is_left_out(path, self._roots())

    def is_covered(self, path: bytes) -> bool:
        """Whether `path` is in a root and isn't left out."""
        below = any(is_below(path, root) for root in self._roots())
        return below and not self.is_left_out(path)

    def forget_unread(self) -> None:
        """Removes, once, what an older version has read of those that are left out now. Raises
        LibraryError."""
        if self._library.setting(_FORGOTTEN) is None:
            for mount in self.unread_below():
                listings.remove(self._library, mount.point, keep_roots=True)
            self._library.set(_FORGOTTEN, "yes")

    def passes(self, path: bytes) -> bool:
        """Whether a scan from above goes on at `path`: not where one is mounted."""
        return self._mounts.remote_mount(path) != path

    def has_own_scans(self, path: bytes) -> bool:
        """Whether a file system that is polled, and isn't left out, is mounted at `path`."""
        point = self._mounts.remote_mount(path) or self._mounts.polled_mount(path)
        return path == point and not self.is_left_out(path)

    def with_separate_roots(self, paths: Collection[bytes]) -> list[bytes]:
        """`paths`, after the roots below them that scans of them leave out for that reason."""
        mount = self._mounts.remote_mount
        apart = [
            root
            for root in self._roots()
            if root not in paths
            and mount(root) is not None
            and any(is_below(root, path) and mount(root) != mount(path) for path in paths)
        ]
        return [*apart, *paths]

    def may_refresh(self, path: bytes) -> bool:
        """Whether a scan of `path` is worth its cost, though nobody waits for it."""
        point = self._mounts.remote_mount(path)
        return point is None or self._polling.is_due(path, point)

    def interval(self, root: bytes) -> float | None:
        """The seconds between scans of a root that is polled; None if it isn't, or wasn't yet."""
        return self._polling.interval(root) if self._mounts.needs_polling(root) else None

    def keep_cost(self, root: bytes) -> None:
        """Stores what a scan of a root costs, for the next start. Raises LibraryError."""
        costs, cost = self._stored_costs(), round(self._polling.cost(root), 1)
        known = costs.get(root.hex(), -1.0)
        if abs(cost - known) > known / 4:  # else it isn't worth writing
            present = {path.hex() for path in self._roots()}
            costs = {path: value for path, value in costs.items() if path in present}
            self._library.set(_COSTS, json.dumps({**costs, root.hex(): cost}))

    def seconds_left(self, root: bytes, scanned: int | None) -> float | None:
        """The seconds until the next scan of a root, by what the last one cost, before the service
        was started; None if it is due, or not on a network or cloud file system.

        `scanned`: when that was, seconds since 1970. Raises LibraryError.
        """
        cost = self._stored_costs().get(root.hex())
        if scanned is None or cost is None or self._mounts.remote_mount(root) is None:
            return None
        return self._polling.resume(root, cost, max(0.0, time.time() - scanned))

    def _stored_costs(self) -> dict[str, float]:
        """Seconds that scans of roots cost, by their paths in hexadecimal digits."""
        costs: dict[str, float] = json.loads(self._library.setting(_COSTS) or "{}")
        return costs

    # Programs behind file systems

    def find_ended(self) -> bool:
        """Whether a program that provides known pictures is found to have ended, which the next
        reconciliation of mounts takes into account."""
        library, ended = self._library, False
        for point in self._mounts.fuse_mounts():
            with library.memory_lock:
                directory = library.tree.find(point)
                inside = library.tree.mask([directory]) if directory else None
                known = inside is not None and library.catalogue.files_in(inside).any()
            ended |= bool(known) and self._calls.has_ended(point)
        return ended

    def pulled_out(self, path: bytes) -> bool:
        """Whether `path` is on a disk that was removed while it was mounted, or on a file system
        whose program has ended."""
        point = self._mounts.fuse_mount(path)
        return self._mounts.pulled_out(path) or (point is not None and self._calls.has_ended(point))
