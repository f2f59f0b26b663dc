"""Readings that took so long that people have turned to something else meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

LONG = 600.0  # seconds
_READS = ("scanning", "encoding")  # states; in others nothing is read


class LongReadings:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun = False  # there was something to read
        self._taken = 0.0  # seconds in which it was read, pauses left out
        self._reads_since: float | None = None

    def has_ended(self, pending: int, state: str) -> bool:
        """Takes a part of each status; whether a long reading has ended with this one."""
        now = self._clock()
        if self._reads_since is not None:
            self._taken += now - self._reads_since
        self._begun = self._begun or pending > 0
        self._reads_since = now if self._begun and state in _READS else None
        if pending or not self._begun or state != "idle":
            return False
        taken, self._taken, self._begun = self._taken, 0.0, False
        return taken >= LONG
