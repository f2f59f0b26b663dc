"""The library's own time: it never goes back, and doesn't leap when the wall clock does."""

from __future__ import annotations

import time

_MOST = 86400  # seconds that count for a time in which nobody ran, however long it seems to be


class Clock:
    """Seconds, at first those since 1970; while the daemon runs, sleep included, all of them pass.

    Between two runs the wall clock tells how many passed, but it may have been set meanwhile: so a
    step of it, in whichever direction, costs a day at most.
    """

    def __init__(self, stored: str | None) -> None:
        """`stored`: what `state` was in an earlier run."""
        wall = int(time.time())
        own, then = (int(part) for part in stored.split()) if stored else (wall, wall)
        self._began = own + min(max(wall - then, 0), _MOST)
        self._awake = _running()

    def now(self) -> int:
        return self._began + int(_running() - self._awake)

    @property
    def state(self) -> str:
        """To be stored now and then."""
        return f"{self.now()} {int(time.time())}"


def _running() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)  # unlike time.monotonic: sleep counts
