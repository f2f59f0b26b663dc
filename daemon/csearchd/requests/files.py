"""Open files that come with requests."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Self

from csearchd.errors import Ended


class SharedFile:
    """A descriptor of its own for a request and the threads that work for it: each uses it in a
    `with`, and the last one that leaves closes it."""

    def __init__(self, file: int) -> None:
        """Raises OSError where there can't be another one."""
        self.number = os.dup(file)
        self._users = 0
        self._closed = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Raises Ended where all others have left."""
        with self._lock:
            if self._closed:
                raise Ended
            self._users += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            self._closed = not self._users
        if self._closed:
            close_files([self.number])


def close_files(files: list[int]) -> None:
    """Closes descriptors and empties the list. A server of files that hangs is told of it, too:
    so nobody waits."""
    if files:
        threading.Thread(target=_close, args=(files.copy(),), name="closing", daemon=True).start()
        files.clear()


def _close(files: list[int]) -> None:
    for file in files:
        with suppress(OSError):  # of a server that has gone; it is closed all the same
            os.close(file)
