"""What is to be listed or scanned, and when."""

from __future__ import annotations

import time
from collections.abc import Callable

from csearchd.watch.watches import Node

_GATHER = 0.05  # seconds between an event and the listing, since events come in crowds
_SHARE = 5  # a directory is listed for at most one part in so many of the time


class ListingQueue:
    """Listings that events asked for, and scans that nothing asks for but time.

    Used by one thread, but for `pending`.
    """

    def __init__(self) -> None:
        self._listings: dict[Node, float] = {}
        self._scans: dict[bytes, float] = {}  # by a clock that runs while the machine sleeps

    @property
    def pending(self) -> list[bytes]:
        """The directories that are going to be listed."""
        return [node.path for node in list(self._listings) if node.parent]

    def list_soon(self, node: Node) -> None:
        if node not in self._listings:
            now = time.monotonic()
            self._listings[node] = max(now + _GATHER, node.listed + node.cost * _SHARE)

    def next_listing(self, now: float) -> Node | None:
        """A directory that is to be listed now."""
        due = next((node for node, when in self._listings.items() if when <= now), None)
        if due is not None:
            del self._listings[due]
        return due

    def scan_in(self, path: bytes, seconds: float) -> None:
        self._scans[path] = _running() + seconds

    def next_scans(self) -> list[bytes]:
        """The paths that are to be scanned now; each is told once."""
        now = _running()
        due = [path for path, when in self._scans.items() if when <= now]
        for path in due:
            del self._scans[path]
        return due

    def keep_scans(self, wanted: Callable[[bytes], bool]) -> None:
        """Forgets the scans of other paths."""
        self._scans = {path: when for path, when in self._scans.items() if wanted(path)}

    def earliest(self) -> float | None:
        """When the next of all is due, monotonic seconds."""
        slept = _running() - time.monotonic()
        scans = (when - slept for when in self._scans.values())
        return min((*self._listings.values(), *scans), default=None)


def _running() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
