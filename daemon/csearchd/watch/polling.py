"""Places whose changes nobody tells: when they are looked at, and that they may not answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_SHORTEST, _LONGEST = 4.0, 60.0  # seconds between scans of a place
_SHARE = 50  # a place is scanned for at most one part in so many of the time
_PATIENCE = 5.0  # seconds for one call

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

    One that hangs is left to itself; until it returns, nothing else is tried there.
    """

    def __init__(self) -> None:
        self._calls: dict[bytes, threading.Thread] = {}

    def call(self, place: bytes, function: Callable[[], T]) -> T:
        """What `function` returns or raises. Raises Unanswered."""
        hanging = self._calls.get(place)
        if hanging is not None and hanging.is_alive():
            raise Unanswered
        results: list[T] = []
        errors: list[Exception] = []

        def run() -> None:
            try:
                results.append(function())
            except Exception as error:
                errors.append(error)

        thread = self._calls[place] = threading.Thread(target=run, name="patience", daemon=True)
        thread.start()
        thread.join(_PATIENCE)
        if errors:
            raise errors[0]
        if not results:
            raise Unanswered
        return results[0]
