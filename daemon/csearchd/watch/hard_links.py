"""Files with several names: a change is told for the one by which it was made."""

from __future__ import annotations

import os
import time

from csearchd.library.library import Library
from csearchd.library.listings import directories_with_inodes
from csearchd.system.files import signed

_SECONDS = 1.0  # between looks for the other names: a file may change many times
_MOST = 500  # files at a time


class Links:
    """Changed files whose other names must be looked at too."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._inodes: set[int] = set()
        self._due = 0.0

    def note(self, path: bytes) -> None:
        """The file at `path` has changed."""
        try:
            info = os.lstat(path)
        except OSError:
            return
        if info.st_nlink > 1:
            self._inodes.add(signed(info.st_ino))

    def earliest(self) -> float | None:
        """When there is something to look at, monotonic seconds."""
        return self._due if self._inodes else None

    def directories(self, now: float) -> list[bytes]:
        """Where the other names may be. Raises LibraryError."""
        if not self._inodes or now < self._due:
            return []
        self._due = time.monotonic() + _SECONDS
        chosen = [self._inodes.pop() for _ in range(min(len(self._inodes), _MOST))]
        return directories_with_inodes(self._library, chosen)
