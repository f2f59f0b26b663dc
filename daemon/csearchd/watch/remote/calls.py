"""Calls into file systems whose server, or program, may not answer, with time limits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from csearchd.concurrency.timed_calls import TimedCalls
from csearchd.errors import Unanswered
from csearchd.library.listings import Listing
from csearchd.watch.directory_listing import read_listing
from csearchd.watch.exclusion.boundaries import Boundaries
from csearchd.watch.mounts import Mounts

T = TypeVar("T")

_PATIENT_SECONDS = 5.0  # for a listing, or where a disk may have to wake up
_SECONDS = 0.5  # for a call that a user waits for
_ALIVE_SECONDS = 1.0  # for which a program that has answered isn't asked again


class RemoteCalls:
    """Calls a function directly if a path is on a local file system, else with a time limit.

    Any thread may use it.
    """

    def __init__(self, mounts: Mounts) -> None:
        self._mounts = mounts
        self._patient_calls = TimedCalls(_PATIENT_SECONDS)
        self._calls = TimedCalls(_SECONDS)
        self._alive: dict[bytes, float] = {}  # when FUSE programs have answered, monotonic seconds

    def timed_call(self, path: bytes, function: Callable[[], T], patient: bool = False) -> T:
        """Calls `function`, which accesses the file at `path`, and returns what it returns.

        Raises what it raises, or Unanswered if the server of its file system doesn't answer in
        time. `patient` allows as much time as a sleeping disk needs.
        """
        mount = self._mounts.polled_mount(path)
        if mount is None:
            return function()
        return (self._patient_calls if patient else self._calls).call(mount, function)

    def exists(self, path: bytes) -> bool:
        """Whether a file exists at `path`, or where a link there leads, as those of git-annex do;
        True if its server doesn't answer in time."""
        try:
            return self.timed_call(path, lambda: os.access(path, os.F_OK))
        except Unanswered:
            return True

    def existing_paths(self, paths: Iterable[bytes]) -> list[bool]:
        """`exists` for each of many paths, such as those of a search's results."""
        remote = self._mounts.polled_prefixes
        return [
            self.exists(path)
            if path.startswith(remote)
            else os.access(path, os.F_OK)  # twice as fast as os.path.exists
            for path in paths
        ]

    def list_directory(self, path: bytes, boundaries: Boundaries, top: bytes) -> Listing | None:
        """The listing of the directory at `path`, as `read_listing` gives it. If its server doesn't
        answer in time, the listing's `failure` says so."""
        versions = self._mounts.version_fields(path)
        read = partial(read_listing, path, boundaries, versions, top)
        try:
            return self.timed_call(path, read, patient=True)
        except Unanswered:
            shown = os.fsdecode(self._mounts.polled_mount(path) or path)
            return Listing(path, (), (), b"", f"cannot be listed: {shown} doesn't answer")

    def has_ended(self, point: bytes) -> bool:
        """Whether the program behind the file system at a mount point is found to have ended."""
        now = time.monotonic()
        if now - self._alive.get(point, -_ALIVE_SECONDS) < _ALIVE_SECONDS:
            return False
        try:
            self._calls.call(point, lambda: os.statvfs(point))  # no cache of the kernel's answers
        except Unanswered:
            return False
        except OSError as error:
            return self._mounts.note_failure(point, error)
        self._alive[point] = now
        return False

    def update_mounts(self) -> set[bytes]:
        """Reads the table of mounts again, and asks programs that had ended whether others run in
        their places. Returns the mount points at which something has changed."""
        changed = self._mounts.update()
        for point in self._mounts.take_dead():
            self.has_ended(point)
        return changed
