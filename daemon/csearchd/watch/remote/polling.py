"""Chooses the time between scans of a directory whose changes inotify doesn't report."""

from __future__ import annotations

import time

_MIN_SECONDS, _MAX_SECONDS = 4.0, 60.0  # between scans, if they cost little
_DAY_SECONDS = 86400.0  # between scans, whatever they cost
_COST_FACTOR = 50  # scanning takes at most this fraction (1/50) of the time
_MAX_KNOWN = 1000  # paths that are remembered


class Polling:
    """The interval between scans of each path: what they cost decides, and on local file systems
    whether it changes.

    The scanning thread plans; any thread may ask what is due.
    """

    def __init__(self) -> None:
        self._between: dict[bytes, float] = {}  # the interval of each path
        self._costs: dict[bytes, float] = {}  # seconds that a scan is expected to take
        self._due: dict[bytes, float] = {}  # when each path is to be scanned again

    def next(self, path: bytes, changed: bool, cost: float, remote: bool = False) -> float:
        """The seconds until the next scan of `path`, after one that took `cost` seconds.

        `changed`: whether it found changes; then a local file system is scanned again soon, and a
        `remote` one as if nothing had changed: there, a look may cost others something, too.
        """
        # One that is answered from a cache says little about the next.
        cost = self._costs[path] = max(cost, self._costs.get(path, 0.0) / 2)
        before = self._between.get(path, _MAX_SECONDS)
        between = _MIN_SECONDS if changed and not remote else min(2 * before, _MAX_SECONDS)
        between = min(max(between, cost * _COST_FACTOR), _DAY_SECONDS)
        self._between[path] = min(between, _MAX_SECONDS)
        self._note(path, between)
        return between

    def resume(self, path: bytes, cost: float, since: float) -> float | None:
        """The seconds until the next scan of `path` on a remote file system, after one that took
        `cost` seconds, `since` seconds ago; None if it is due."""
        self._costs[path] = cost
        left = min(max(_MAX_SECONDS, cost * _COST_FACTOR), _DAY_SECONDS) - since
        if left <= 0:
            return None
        self._note(path, left)
        return left

    def cost(self, path: bytes) -> float:
        """The seconds that a scan of `path` is expected to take."""
        return self._costs.get(path, 0.0)

    def interval(self, path: bytes) -> float | None:
        """The seconds between scans of `path`, as far as its cost decides; None before the first
        one."""
        if path not in self._costs:
            return None
        return min(max(_MAX_SECONDS, self._costs[path] * _COST_FACTOR), _DAY_SECONDS)

    def is_due(self, path: bytes, top: bytes) -> bool:
        """Whether neither `path` nor a directory above it, up to `top`, was scanned within its
        interval."""
        now = _boot_time()
        while self._due.get(path, 0.0) <= now:
            if path == top:
                return True
            path = path.rpartition(b"/")[0] or b"/"
        return False

    def _note(self, path: bytes, seconds: float) -> None:
        self._due.pop(path, None)
        self._due[path] = _boot_time() + seconds
        while len(self._due) > _MAX_KNOWN:
            oldest = next(iter(self._due))
            for known in (self._due, self._costs, self._between):
                known.pop(oldest, None)


def _boot_time() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
