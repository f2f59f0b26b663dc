"""Files that are being written: nobody reads them until they are closed, or rest for a while."""

from __future__ import annotations

import threading

REST_SECONDS = 2.0  # without a change, after which a file that nobody has closed counts as whole


class Debounce:
    """Held files by directory and name, each with a deadline in monotonic seconds.

    The watch holds and releases; the reading thread asks.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[bytes, dict[bytes, float]] = {}

    def hold(self, directory: bytes, name: bytes, until: float) -> bool:
        """Holds a file until then. Returns whether it was held already."""
        with self._lock:
            names = self._held.setdefault(directory, {})
            known = name in names
            names[name] = until
            return known

    def mark_complete(self, directory: bytes, name: bytes, now: float) -> None:
        """The file is whole: its rest ends with the next listing of its directory."""
        with self._lock:
            names = self._held.get(directory)
            if names and name in names:
                names[name] = now

    def holds(self, directory: bytes, name: bytes) -> bool:
        with self._lock:
            return name in self._held.get(directory, ())

    def release(self, directory: bytes, now: float) -> bool:
        """Lets go of a directory's files whose deadline is over; whether there were any."""
        with self._lock:
            names = self._held.get(directory, {})
            over = [name for name, until in names.items() if until <= now]
            for name in over:
                del names[name]
            if not names:
                self._held.pop(directory, None)
            return bool(over)

    def overdue(self, now: float) -> list[bytes]:
        """The directories with files whose deadline is before `now`."""
        with self._lock:
            return [path for path, names in self._held.items() if min(names.values()) <= now]

    def deadline(self) -> float | None:
        """The earliest deadline of all."""
        with self._lock:
            return min((min(names.values()) for names in self._held.values()), default=None)

    def move(self, old: bytes, new: bytes) -> None:
        """A directory was moved, with all below it."""
        self._rename({old: new})

    def swap(self, one: bytes, other: bytes) -> None:
        """Two directories took each other's place."""
        self._rename({one: other, other: one})

    def _rename(self, names: dict[bytes, bytes]) -> None:
        """Gives directories their new paths, with all below them; others see all or none of it."""
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
        """A directory is gone."""
        with self._lock:
            for path in [p for p in self._held if p == directory or p.startswith(directory + b"/")]:
                del self._held[path]
