"""The queue of directories to list or scan, and when."""

from __future__ import annotations

import time
from collections.abc import Callable

from csearchd.watch.watches import Node

_DELAY = 0.05  # seconds between an event and the listing, since events come in bursts
_COST_FACTOR = 5  # listing one directory takes at most this fraction (1/5) of the time


class ListingQueue:
    """Listings that events have requested, and scans that are due at a time.

    Only the scanning thread uses it; any thread may read `pending`.
    """

    def __init__(self) -> None:
        self._listings: dict[Node, float] = {}
        self._scans: dict[bytes, float] = {}  # by a clock that counts suspension

    @property
    def pending(self) -> list[bytes]:
        """The paths of directories that will be listed."""
        return [node.path for node in list(self._listings) if node.parent]

    def list_soon(self, node: Node) -> None:
        """Queues a listing of a node's directory, unless there is one.

        It is due after a short delay, and later if listing the directory takes long: at a time of
        `node.listed` + 5 × `node.cost` (monotonic seconds) at the earliest.
        """
        if node not in self._listings:
            now = time.monotonic()
            self._listings[node] = max(now + _DELAY, node.listed + node.cost * _COST_FACTOR)

    def next_listing(self, now: float) -> Node | None:
        """Removes and returns a node that is due; None if none is."""
        due = next((node for node, when in self._listings.items() if when <= now), None)
        if due is not None:
            del self._listings[due]
        return due

    def scan_in(self, path: bytes, seconds: float) -> None:
        """Sets the time of the next scan of `path`."""
        self._scans[path] = _boot_time() + seconds

    def next_scans(self) -> list[bytes]:
        """Removes and returns the paths whose scans are due."""
        now = _boot_time()
        due = [path for path, when in self._scans.items() if when <= now]
        for path in due:
            del self._scans[path]
        return due

    def keep_scans(self, wanted: Callable[[bytes], bool]) -> None:
        """Forgets the scans of paths for which `wanted` is False."""
        self._scans = {path: when for path, when in self._scans.items() if wanted(path)}

    def earliest(self) -> float | None:
        """When the next listing or scan is due, monotonic seconds; None if there is none."""
        slept = _boot_time() - time.monotonic()
        scans = (when - slept for when in self._scans.values())
        return min((*self._listings.values(), *scans), default=None)


def _boot_time() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
