"""When to scan a place again whose changes no event tells."""

from __future__ import annotations

_SHORTEST, _LONGEST = 4.0, 60.0  # seconds between scans of a place
_SHARE = 50  # a place is scanned for at most one part in so many of the time


class Polling:
    """How long it is until a place is scanned again: soon while it changes, then less and less."""

    def __init__(self) -> None:
        self._between: dict[bytes, float] = {}

    def next(self, path: bytes, changed: bool, cost: float) -> float:
        """Seconds, after a scan of `path` that took `cost` seconds and found changes or none."""
        before = self._between.get(path, _LONGEST)
        between = _SHORTEST if changed else min(2 * before, _LONGEST)
        self._between[path] = between
        return max(between, cost * _SHARE)
