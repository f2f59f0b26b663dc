"""Calls with a time limit, for file systems that may hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from csearchd.errors import Unanswered

_IDLE_SECONDS = 5.0  # after which an idle thread ends

T = TypeVar("T")


class TimedCalls:
    """Calls functions in threads, one for each place, such as a mount point.

    A call that hangs is abandoned; until it returns, other calls to its place fail. Several threads
    may use it: their calls to the same place wait for each other.
    """

    def __init__(self, seconds: float) -> None:
        """`seconds`: the time limit of a call."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._places: dict[bytes, _Place] = {}

    def call(self, place: bytes, function: Callable[[], T]) -> T:
        """Calls `function` in the thread of `place`, and returns what it returns. Raises what it
        raises, or Unanswered after the time limit."""
        with self._lock:
            found = self._places.setdefault(place, _Place())
        return found.call(function, self._seconds)


class _Place:
    """The calls to one place, and their thread, which ends when it is idle for a while."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._call: _Call[Any] | None = None  # the current one
        self._running = False  # whether the thread is

    def call(self, function: Callable[[], T], seconds: float) -> T:
        call = _Call(function)
        with self._changed:
            while self._call:
                self._wait_for(self._call, seconds)
            call.began = time.monotonic()
            self._call = call
            if not self._running:
                self._start()
            self._changed.notify_all()
            while not call.over:
                self._wait_for(call, seconds)
        return call.result()

    def _wait_for(self, call: _Call[Any], seconds: float) -> None:
        """Waits for a change. Raises Unanswered if `call` has taken too long."""
        left = call.began + seconds - time.monotonic()
        if left <= 0:
            raise Unanswered
        self._changed.wait(left)

    def _start(self) -> None:
        try:
            threading.Thread(target=self._run, name="timed-calls", daemon=True).start()
        except RuntimeError as error:  # there are too many threads
            self._call = None
            raise Unanswered from error
        self._running = True

    def _run(self) -> None:
        with self._changed:
            while self._changed.wait_for(lambda: self._call, _IDLE_SECONDS):
                if call := self._call:
                    self._changed.release()
                    try:
                        call.run()
                    finally:
                        self._changed.acquire()
                    self._call = None
                    self._changed.notify_all()
            self._running = False


class _Call(Generic[T]):
    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._results: list[T] = []
        self._error: BaseException | None = None
        self.began = 0.0  # monotonic seconds

    @property
    def over(self) -> bool:
        return bool(self._results or self._error)

    def run(self) -> None:
        try:
            self._results.append(self._function())
        except BaseException as error:
            self._error = error

    def result(self) -> T:
        if self._error:
            raise self._error
        return self._results[0]
