"""Bytes that clients make the service hold, all clients together; who holds most goes first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

H = TypeVar("H")


class Holdings(Generic[H]):
    def __init__(
        self, most: int, dismiss: Callable[[H], object], may_go: Callable[[H], bool]
    ) -> None:
        """`most` bytes; beyond, the largest holder that `may_go` is dismissed, unless nobody else
        holds anything."""
        self._most = most
        self._dismiss = dismiss
        self._may_go = may_go
        self._held: dict[H, int] = {}
        self._total = 0

    def set(self, holder: H, size: int) -> None:
        """`holder` holds so many bytes now."""
        self._total += size - self._held.pop(holder, 0)
        if size:
            self._held[holder] = size
        self.make_room()

    def make_room(self) -> None:
        while self._total > self._most and len(self._held) > 1:
            holders = [one for one in self._held if self._may_go(one)]
            if not holders:
                return
            largest = max(holders, key=lambda one: self._held[one])
            self._total -= self._held.pop(largest)
            self._dismiss(largest)
