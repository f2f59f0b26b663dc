"""A limit on the bytes that all clients together make the service hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

H = TypeVar("H")


class MemoryQuota(Generic[H]):
    """If it is exceeded, the one that holds most is dismissed, unless no other holds anything."""

    def __init__(
        self, limit: int, dismiss: Callable[[H], object], may_be_dismissed: Callable[[H], bool]
    ) -> None:
        """`limit` in bytes. Only holders that `may_be_dismissed` are."""
        self._limit = limit
        self._dismiss = dismiss
        self._may_be_dismissed = may_be_dismissed
        self._held: dict[H, int] = {}
        self._total = 0

    def set(self, holder: H, size: int) -> None:
        """`holder` holds so many bytes now."""
        self._total += size - self._held.pop(holder, 0)
        if size:
            self._held[holder] = size
        self.enforce()

    def enforce(self) -> None:
        """Dismisses holders until the others are within the limit."""
        while self._total > self._limit and len(self._held) > 1:
            holders = [one for one in self._held if self._may_be_dismissed(one)]
            if not holders:
                return
            largest = max(holders, key=lambda one: self._held[one])
            self._total -= self._held.pop(largest)
            self._dismiss(largest)
