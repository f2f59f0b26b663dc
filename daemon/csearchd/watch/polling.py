"""Places whose changes nobody tells: when they are looked at, and that they may not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

_SHORTEST, _LONGEST = 4.0, 60.0  # seconds between scans of a place
_SHARE = 50  # a place is scanned for at most one part in so many of the time

T = TypeVar("T")


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


class Unanswered(Exception):
    """The file system doesn't answer."""


class Patience:
    """Calls into file systems behind which a server or another process may hang.

    One that hangs is left to itself; until it returns, nothing else is tried there. Used by several
    threads, which take turns with a place.
    """

    def __init__(self, seconds: float) -> None:
        """`seconds` are allowed for a call."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._calls: dict[bytes, _Call[Any]] = {}

    def call(self, place: bytes, function: Callable[[], T]) -> T:
        """What `function` returns or raises. Raises Unanswered."""
        call = _Call(function)
        while True:
            with self._lock:
                other = self._calls.setdefault(place, call)
                if other is call:
                    call.start()
            if other is call:
                break
            other.wait(self._seconds)
            self._end(place, other)
        call.wait(self._seconds)
        self._end(place, call)
        return call.result()

    def _end(self, place: bytes, call: _Call[Any]) -> None:
        """The place is free again, if the call is over. Raises Unanswered."""
        if call.is_alive():
            raise Unanswered
        with self._lock:
            if self._calls.get(place) is call:
                del self._calls[place]


class _Call(threading.Thread, Generic[T]):
    def __init__(self, function: Callable[[], T]) -> None:
        super().__init__(name="patience", daemon=True)
        self._function = function
        self._results: list[T] = []
        self._error: Exception | None = None
        self._began = 0.0

    def start(self) -> None:
        self._began = time.monotonic()
        super().start()

    def run(self) -> None:
        try:
            self._results.append(self._function())
        except Exception as error:
            self._error = error

    def wait(self, seconds: float) -> None:
        """Until it is over, or has taken so long."""
        self.join(max(0.0, self._began + seconds - time.monotonic()))

    def result(self) -> T:
        if self._error:
            raise self._error
        return self._results[0]
