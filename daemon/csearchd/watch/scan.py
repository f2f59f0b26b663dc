"""A scan of a directory and all below it, and which scans were a moment ago."""

from __future__ import annotations

import threading
import time

_FRESH_SECONDS = 2.0  # after a scan, during which another is no use


class Scan:
    """The state of one scan. Other threads may wait for `done`, and read `found`."""

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.requested = time.monotonic()  # when a client last requested it
        self.done = threading.Event()
        self.remaining = [path]  # directories that must still be listed, the next one last
        self.found = 0  # pictures listed so far
        self.is_asked = False  # a client has requested it, not an event or the time
        self.begun = False
        self.again = False  # it must start over at its end, since it was requested again
        self.changed = False  # a listing has changed the library
        self.cost = 0.0  # seconds that it has taken so far
        self.failures = 0  # unexpected errors

    def start_over(self) -> None:
        """Lists everything again."""
        self.remaining, self.found, self.failures = [self.path], 0, 0
        self.begun = self.again = False


class RecentScans:
    """The paths that were scanned a moment ago. Its user must hold a lock."""

    def __init__(self) -> None:
        self._paths: dict[bytes, float] = {}  # when they were, monotonic seconds, the oldest first

    def has(self, path: bytes) -> bool:
        before = self._paths.get(path)
        return before is not None and time.monotonic() - before <= _FRESH_SECONDS

    def note(self, path: bytes) -> None:
        """Records that `path` was just scanned."""
        now = time.monotonic()
        self._paths.pop(path, None)
        self._paths[path] = now
        while now - next(iter(self._paths.values())) > _FRESH_SECONDS:
            del self._paths[next(iter(self._paths))]
