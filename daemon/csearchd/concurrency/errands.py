"""What a thread does for others, between two steps of its own work."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Errands:
    """Functions that others want a thread to call, since only it may change what they change."""

    def __init__(self, wake: Callable[[], object]) -> None:
        """`wake` wakes the thread, which then calls `run`."""
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: list[tuple[Callable[[], object], threading.Event]] = []

    def ask(self, function: Callable[[], object], seconds: float) -> None:
        """Has the thread call `function`, and waits for it; after `seconds` it goes on without."""
        done = threading.Event()
        with self._lock:
            self._waiting.append((function, done))
        self._wake()
        done.wait(seconds)

    def run(self) -> None:
        """For the thread: calls what it was asked to call."""
        if not self._waiting:
            return
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for function, done in waiting:
            try:
                function()
            finally:
                done.set()
