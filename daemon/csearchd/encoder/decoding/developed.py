"""The JPEGs beside camera raw files; a directory is listed once for all of its files."""

from __future__ import annotations

import os
import threading
import time

from csearchd.formats.suffixes import developed_names

_MAX_DIRECTORIES = 4  # whose names are kept
_SETTLED = 3_000_000_000  # ns after which another change gets another mtime, on any file system


class DevelopedNames:
    """Names the JPEGs that may show the same as a raw file. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # By device, inode and mtime_ns of the directory; the latest used last
        self._known: dict[tuple[int, int, int], dict[bytes, list[bytes]]] = {}

    def of(self, name: bytes, directory: int) -> list[bytes]:
        """The JPEGs beside the raw file `name` in the open `directory`. Raises OSError."""
        with self._lock:
            stat = os.fstat(directory)
            key = stat.st_dev, stat.st_ino, stat.st_mtime_ns
            is_settled = time.time_ns() - stat.st_mtime_ns > _SETTLED
            known = self._known.pop(key, None)
            if known is None:
                known = _listed(directory)
            if is_settled:
                self._known[key] = known
                while len(self._known) > _MAX_DIRECTORIES:
                    del self._known[next(iter(self._known))]
            return known.get(name, [])


def _listed(directory: int) -> dict[bytes, list[bytes]]:
    listed = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        return developed_names([os.fsencode(name) for name in os.listdir(listed)])
    finally:
        os.close(listed)
