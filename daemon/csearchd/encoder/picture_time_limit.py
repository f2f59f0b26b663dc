"""The time that counts towards a picture's time limit.

It leaves out the time in which the encoder waits for a processor that other programs use. Beside
several busy programs a process of the lowest priority gets a hundredth of a processor; that a
picture takes long then is not the picture's fault.
"""

from __future__ import annotations

import os
import time

_UPDATE_SECONDS = 0.5  # between looks at a process's threads: each costs a file


class CountedTime:
    """A clock that stands still while a process has work for a processor and gets none."""

    def __init__(self) -> None:
        self._lost = 0.0
        self._updated = 0.0
        self._waited: dict[str, float] = {}

    def seconds(self) -> float:
        """Seconds on the clock, from an arbitrary beginning; never fewer than before."""
        return time.monotonic() - self._lost

    def update(self, pid: int) -> None:
        """Takes out the time that the process has waited for a processor since the last call.

        Call it at least every second while the process works; `pid` may change. The thread that
        waited longest counts, since others may wait for what it holds.
        """
        now = time.monotonic()
        if now - self._updated < _UPDATE_SECONDS:
            return
        waited = _waited(pid)
        more = [waited[thread] - self._waited.get(thread, waited[thread]) for thread in waited]
        self._lost += min(max(more, default=0.0), now - self._updated)
        self._updated, self._waited = now, waited


def _waited(pid: int) -> dict[str, float]:
    """Thread id → seconds that it has waited for a processor (proc(5), schedstat)."""
    found: dict[str, float] = {}
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                found[thread] = int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        pass  # a thread has ended meanwhile, or the kernel doesn't count
    return found
