"""Calls into file systems whose server, or program, may not answer, with time limits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TypeVar

from csearchd.concurrency.timed_calls import TimedCalls
from csearchd.errors import Unanswered
from csearchd.watch.mounts import Mounts

T = TypeVar("T")

_PATIENT_SECONDS = 5.0  # for a listing, or where a disk may have to wake up
_SECONDS = 0.5  # for a call that a user waits for


class RemoteCalls:
    """Calls a function directly if a path is on a local file system, else with a time limit.

    Any thread may use it.
    """

    def __init__(self, mounts: Mounts) -> None:
        self._mounts = mounts
        self._patient_calls = TimedCalls(_PATIENT_SECONDS)
        self._calls = TimedCalls(_SECONDS)

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
