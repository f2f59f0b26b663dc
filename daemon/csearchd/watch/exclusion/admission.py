"""Admits directories to scans, and records what clients ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from csearchd.errors import Unanswered
from csearchd.system.filesystem import MountTable
from csearchd.watch.exclusion.boundaries import Boundaries


class TimedCall(Protocol):
    """See csearchd.watch.remote.calls."""

    def __call__(self, path: bytes, function: Callable[[], bool], patient: bool) -> bool: ...


class Admission:
    """Keeps `boundaries` up to date. Only the scanning thread uses it."""

    def __init__(
        self, boundaries: Boundaries, timed_call: TimedCall, scan: Callable[[bytes], object]
    ) -> None:
        """`scan` requests a scan of the directory at a path."""
        self._boundaries = boundaries
        self._timed_call = timed_call
        self._scan = scan

    def admits(self, path: bytes, is_asked: bool) -> bool:
        """Whether the directory at `path` is to be scanned. `is_asked`: since a client asks."""
        admits = self._boundaries.admits
        try:
            found = self._timed_call(path, lambda: admits(path, not is_asked), patient=True)
        except Unanswered:
            return True  # its listing says so
        if is_asked:
            self._scan_all(self._boundaries.ask(path, found))
        # For what is known outside of roots, a client asked at some time.
        return found or is_asked or self._boundaries.was_asked(path)

    def on_marks_changed(self, directory: bytes) -> None:
        """Must be called when what excludes directories at or below `directory` has changed."""
        self._boundaries.forget_asked(directory)
        self.update()  # another path of one that is excluded now may be read

    def update(self, table: MountTable | None = None, roots: Iterable[bytes] | None = None) -> None:
        """Takes the present mounts or roots, and what the disk says of them."""
        self._scan_all(self._boundaries.update(table, roots))

    def _scan_all(self, changed: set[bytes]) -> None:
        """Requests scans of directories that have several paths, only one of which is read."""
        for path in changed:
            self._scan(path)
