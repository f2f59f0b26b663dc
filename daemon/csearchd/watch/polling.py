"""Chooses the time between scans of a directory whose changes inotify doesn't report."""

from __future__ import annotations

_MIN_SECONDS, _MAX_SECONDS = 4.0, 60.0  # between scans
_COST_FACTOR = 50  # scanning takes at most this fraction (1/50) of the time


class Polling:
    """The interval between scans of each path: short while it changes, then it doubles each
    time."""

    def __init__(self) -> None:
        self._between: dict[bytes, float] = {}

    def next(self, path: bytes, changed: bool, cost: float) -> float:
        """The seconds until the next scan of `path`, after one that took `cost` seconds. `changed`:
        whether it found changes."""
        before = self._between.get(path, _MAX_SECONDS)
        between = _MIN_SECONDS if changed else min(2 * before, _MAX_SECONDS)
        self._between[path] = between
        return max(between, cost * _COST_FACTOR)
