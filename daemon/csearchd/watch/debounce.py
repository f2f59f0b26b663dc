"""Holds back files that are being written, until they are closed or unchanged for a while."""

from __future__ import annotations

import threading

QUIET_SECONDS = 2.0  # without a change, after which an open file counts as complete


class Debounce:
    """Held files by directory and name, each with a deadline in monotonic seconds.

    Any thread may call it: the scanning thread holds and releases files, the indexing thread asks.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[bytes, dict[bytes, float]] = {}

    def hold(self, directory: bytes, name: bytes, until: float) -> bool:
        """Holds a file until the time `until`. Returns whether it was held already."""
        with self._lock:
            names = self._held.setdefault(directory, {})
            known = name in names
            names[name] = until
            return known

    def mark_complete(self, directory: bytes, name: bytes, now: float) -> None:
        """Sets the deadline of a held file, which is complete, to `now`: the next listing of its
        directory releases it."""
        with self._lock:
            names = self._held.get(directory)
            if names and name in names:
                names[name] = now

    def holds(self, directory: bytes, name: bytes) -> bool:
        """Whether a file is held."""
        with self._lock:
            return name in self._held.get(directory, ())

    def release(self, directory: bytes, now: float) -> bool:
        """Releases a directory's files whose deadline has passed. Returns whether there were
        any."""
        with self._lock:
            names = self._held.get(directory, {})
            expired = [name for name, until in names.items() if until <= now]
            for name in expired:
                del names[name]
            if not names:
                self._held.pop(directory, None)
            return bool(expired)

    def expired(self, now: float) -> list[bytes]:
        """The directories with files whose deadline has passed."""
        with self._lock:
            return [path for path, names in self._held.items() if min(names.values()) <= now]

    def deadline(self) -> float | None:
        """The earliest deadline; None if no file is held."""
        with self._lock:
            return min((min(names.values()) for names in self._held.values()), default=None)

    def move(self, old: bytes, new: bytes) -> None:
        """Updates the paths after a directory was moved, with all below it."""
        self._rename({old: new})

    def swap(self, one: bytes, other: bytes) -> None:
        """Updates the paths after two directories were exchanged."""
        self._rename({one: other, other: one})

    def _rename(self, names: dict[bytes, bytes]) -> None:
        """Replaces old paths by new ones, in and below these directories, atomically."""
        with self._lock:
            moved = {
                new + path[len(old) :]: path
                for old, new in names.items()
                for path in self._held
                if path == old or path.startswith(old + b"/")
            }
            held = {new: self._held.pop(path) for new, path in moved.items()}
            self._held.update(held)

    def forget(self, directory: bytes) -> None:
        """Forgets the files in and below a directory that was removed."""
        with self._lock:
            for path in [p for p in self._held if p == directory or p.startswith(directory + b"/")]:
                del self._held[path]
