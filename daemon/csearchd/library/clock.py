"""The library's own time, which never goes back and doesn't jump with the wall clock."""

from __future__ import annotations

import time

_MAX_GAP = 86400  # seconds between two runs that count, however far apart the wall clock says


class Clock:
    """Seconds that start at the wall clock's and then count by themselves.

    While the daemon runs they pass as real time does, suspension included. Between two runs the
    wall clock tells how many have passed; since it may have been set meanwhile, at most a day
    counts.
    """

    def __init__(self, stored: str | None) -> None:
        """`stored`: the `state` of an earlier run, or None."""
        wall = int(time.time())
        own, then = (int(part) for part in stored.split()) if stored else (wall, wall)
        self._start = own + min(max(wall - then, 0), _MAX_GAP)
        self._boot_time = _boot_time()

    def now(self) -> int:
        """The current time, in seconds."""
        return self._start + int(_boot_time() - self._boot_time)

    @property
    def state(self) -> str:
        """The state to store now and then, for the next run."""
        return f"{self.now()} {int(time.time())}"


def _boot_time() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)  # unlike time.monotonic it counts suspension
