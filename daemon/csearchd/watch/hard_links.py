"""Finds the other hard links of a changed file, since inotify reports only the name that was
used."""

from __future__ import annotations

import os
import time

from csearchd.library.library import Library
from csearchd.library.listings import directories_with_inodes
from csearchd.system.files import signed

_SECONDS = 1.0  # between look-ups, since a file may change many times
_MAX_FILES = 500  # that are looked up at a time


class HardLinks:
    """Changed files whose other hard links must be listed too. Only the scanning thread uses it."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._inodes: set[int] = set()
        self._due = 0.0

    def note(self, path: bytes) -> None:
        """Records that the file at `path` has changed, if it has several links."""
        try:
            info = os.lstat(path)
        except OSError:
            return
        if info.st_nlink > 1:
            self._inodes.add(signed(info.st_ino))

    def earliest(self) -> float | None:
        """When `directories` is to be called, monotonic seconds; None if it isn't."""
        return self._due if self._inodes else None

    def directories(self, now: float) -> list[bytes]:
        """The directories that may have other links of changed files. Raises LibraryError."""
        if not self._inodes or now < self._due:
            return []
        self._due = time.monotonic() + _SECONDS
        chosen = [self._inodes.pop() for _ in range(min(len(self._inodes), _MAX_FILES))]
        return directories_with_inodes(self._library, chosen)
