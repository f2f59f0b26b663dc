"""The time that counts towards a picture's time limit.

It leaves out the time in which the encoder waits for a processor that other programs use. Beside
several busy programs a process of the lowest priority gets a hundredth of a processor; that a
picture takes long then is not the picture's fault.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

_UPDATE_SECONDS = 0.5  # between looks at a process's threads: each costs a file


class CountedTime:
    """A clock that stands still while a process has work for a processor and gets none."""

    def __init__(self) -> None:
        self._lost = 0.0
        self._updated = 0.0
        self._threads: dict[str, _Thread] = {}

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
        threads, before = _threads(pid), self._threads
        more = [
            _waited(before[name], threads[name], now - self._updated)
            for name in threads.keys() & before.keys()
        ]
        self._lost += max(more, default=0.0)
        self._updated, self._threads = now, threads


@dataclass
class _Thread:
    """What the kernel counts for a thread, in seconds."""

    ran: float
    delayed: float  # waiting for a processor; the kernel adds a wait when it ends
    runnable: bool
    unfinished: float = 0.0  # of a wait that hasn't ended: what was taken out already


def _waited(before: _Thread, after: _Thread, seconds: float) -> float:
    """How long a thread has waited for a processor in the `seconds` between two readings."""
    if (
        before.runnable
        and after.runnable
        and (before.ran, before.delayed)
        == (
            after.ran,
            after.delayed,
        )
    ):
        after.unfinished = before.unfinished + seconds
        return seconds
    return min(max(after.delayed - before.delayed - before.unfinished, 0.0), seconds)


def _threads(pid: int) -> dict[str, _Thread]:
    """The process's threads by their ids (proc(5): schedstat, stat)."""
    found: dict[str, _Thread] = {}
    try:
        for name in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{name}/schedstat") as file:
                ran, delayed = (int(number) / 1e9 for number in file.read().split()[:2])
            with open(f"/proc/{pid}/task/{name}/stat") as file:
                runnable = file.read().rpartition(")")[2].split()[0] == "R"
            found[name] = _Thread(ran, delayed, runnable)
    except (OSError, ValueError, IndexError):
        pass  # a thread has ended meanwhile, or the kernel doesn't count
    return found
