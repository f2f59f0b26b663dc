"""Wakes a thread that waits for file descriptors."""

from __future__ import annotations

import os


class WakePipe:
    """A pipe that is readable from a call of `wake` to one of `drain`, by any thread."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._read

    def wake(self) -> None:
        """Makes the pipe readable."""
        try:
            os.write(self._write, b"\0")
        except BlockingIOError:
            pass  # it is full, thus readable

    def drain(self) -> None:
        """Empties the pipe."""
        try:
            while os.read(self._read, 4096):
                pass
        except BlockingIOError:
            pass
