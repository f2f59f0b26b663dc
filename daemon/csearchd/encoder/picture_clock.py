"""Time as it counts for a picture: not while the encoder wants a processor that others use.

Beside several busy programs a process of the lowest priority gets a hundredth of a processor. What
takes long then is no fault of the picture.
"""

from __future__ import annotations

import os
import time

_LOOK_SECONDS = 0.5  # between looks at the threads: each costs a file


class Clock:
    """Stands still while a process has work for a processor and gets none."""

    def __init__(self) -> None:
        self._lost = 0.0
        self._looked = 0.0
        self._waited: dict[str, float] = {}

    def seconds(self) -> float:
        """Monotonic, up to the last `look`."""
        return time.monotonic() - self._lost

    def look(self, pid: int) -> None:
        """To be called now and then while the process works; another one may take its place.

        The thread that has waited longest counts: others may wait for what it holds.
        """
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        waited = _waited(pid)
        more = [waited[thread] - self._waited.get(thread, waited[thread]) for thread in waited]
        self._lost += min(max(more, default=0.0), now - self._looked)
        self._looked, self._waited = now, waited


def _waited(pid: int) -> dict[str, float]:
    """Seconds that each thread has waited for a processor, by its number (proc(5): schedstat)."""
    found: dict[str, float] = {}
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                found[thread] = int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        pass  # a thread that ends meanwhile, or a kernel that doesn't count
    return found
