"""A scan of a directory and all below it."""

from __future__ import annotations

import threading
import time


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
