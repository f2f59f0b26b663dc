"""Roots in which an unexpected error has occurred, which are to be scanned again after a while."""

from __future__ import annotations

import time
from collections.abc import Iterable

from csearchd.concurrency.supervisor import Backoff


class FailedRoots:
    """Only the scanning thread changes it; any thread may ask whether it is empty."""

    def __init__(self) -> None:
        self._roots: frozenset[bytes] = frozenset()
        self._retry_at = 0.0  # monotonic seconds
        self._backoff = Backoff()

    def __bool__(self) -> bool:
        return bool(self._roots)

    def __contains__(self, root: bytes) -> bool:
        return root in self._roots

    def add(self, roots: Iterable[bytes]) -> None:
        """Adds roots; the more errors there were, the later they are to be scanned."""
        added = frozenset(roots)
        if added and not self._roots:
            self._retry_at = time.monotonic() + self._backoff.seconds()
        self._roots |= added

    def take_due(self) -> frozenset[bytes]:
        """Removes and returns the roots once they are to be scanned; before, none."""
        if not self._roots or time.monotonic() < self._retry_at:
            return frozenset()
        due, self._roots = self._roots, frozenset()
        return due

    def seconds_left(self) -> float | None:
        """The seconds until they are to be scanned; None if there are none."""
        return max(0.0, self._retry_at - time.monotonic()) if self._roots else None
