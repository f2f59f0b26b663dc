"""Holds back files that are being written, until they are closed or unchanged for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from csearchd.library.listings import Listing
from csearchd.system.writers import has_writer, may_have_writer

QUIET_SECONDS = 2.0  # without a change, after which a file counts as complete
OPEN_SECONDS = 30.0  # the same, if a process has it open for writing


class _Hold(NamedTuple):
    """Deadlines of a held file, monotonic seconds."""

    until: float
    longest: float  # even if a process has it open for writing


class Debounce:
    """Held files by directory and name, each with a deadline in monotonic seconds.

    Any thread may call it: the scanning thread holds and releases files, the indexing thread asks.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[bytes, dict[bytes, _Hold]] = {}

    def hold(self, directory: bytes, name: bytes, until: float) -> bool:
        """Holds a file, which has just changed, until the time `until`. Returns whether it was held
        already."""
        with self._lock:
            names = self._held.setdefault(directory, {})
            known = name in names
            names[name] = _Hold(until, until - QUIET_SECONDS + OPEN_SECONDS)
            return known

    def hold_recent(self, listing: Listing, is_polled: bool) -> None:
        """Holds those of the files in `listing`, which a scan has made, that may still be written.

        `is_polled`: they are on a file system whose server may not answer.
        """
        now, clock = time.monotonic(), time.time_ns()
        for file in listing.files:
            age = (clock - file.mtime_ns) / 1e9
            path = listing.path.rstrip(b"/") + b"/" + file.name
            if age < 0:  # another machine's clock
                continue
            if age < QUIET_SECONDS:
                held = is_polled or may_have_writer(path)
            else:
                held = not is_polled and age < OPEN_SECONDS and has_writer(path) is True
            if held:
                self.hold(listing.path, file.name, now + QUIET_SECONDS - age)

    def keep_open_files(
        self, directory: bytes, now: float, is_open: Callable[[bytes], bool | None]
    ) -> bool:
        """Goes on to hold those whose deadline has passed and that are open for writing, as
        `is_open` says of their paths; but not if they haven't changed for long. Of the others, it
        isn't asked again. Returns whether there are such others."""
        with self._lock:
            names = self._held.get(directory, {})
            asked = [name for name, held in names.items() if held.until <= now < held.longest]
        for name in asked:
            still_open = is_open(directory.rstrip(b"/") + b"/" + name)
            with self._lock:
                held = self._held.get(directory, {}).get(name)
                if held and held.until <= now:  # no event has come meanwhile
                    longer = min(now + QUIET_SECONDS, held.longest)
                    self._held[directory][name] = (
                        held._replace(until=longer)
                        if still_open
                        else held._replace(longest=held.until)
                    )
        with self._lock:
            names = self._held.get(directory, {})
            return any(held.until <= now for held in names.values())

    def mark_complete(self, directory: bytes, name: bytes, now: float) -> None:
        """Sets the deadline of a held file, which is complete, to `now`: the next listing of its
        directory releases it."""
        with self._lock:
            names = self._held.get(directory)
            if names and name in names:
                names[name] = _Hold(now, now)

    def holds(self, directory: bytes, name: bytes) -> bool:
        """Whether a file is held."""
        with self._lock:
            return name in self._held.get(directory, ())

    def release(self, directory: bytes, now: float) -> bool:
        """Releases a directory's files whose deadline has passed. Returns whether there were
        any."""
        with self._lock:
            names = self._held.get(directory, {})
            expired = [name for name, held in names.items() if held.until <= now]
            for name in expired:
                del names[name]
            if not names:
                self._held.pop(directory, None)
            return bool(expired)

    def expired(self, now: float) -> list[bytes]:
        """The directories with files whose deadline has passed."""
        with self._lock:
            return [
                path
                for path, names in self._held.items()
                if min(held.until for held in names.values()) <= now
            ]

    def deadline(self) -> float | None:
        """The earliest deadline; None if no file is held."""
        with self._lock:
            holds = (held.until for names in self._held.values() for held in names.values())
            return min(holds, default=None)

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
