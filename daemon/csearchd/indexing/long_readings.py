"""Readings that took so long that people have turned to something else meanwhile."""

from __future__ import annotations

import time

LONG = 600.0  # seconds


class LongReadings:
    def __init__(self) -> None:
        self._begun: float | None = None  # when there was something to read

    def has_ended(self, pending: int, state: str) -> bool:
        """Takes a part of each status; whether a long reading has ended with this one."""
        if pending:
            if self._begun is None:
                self._begun = time.monotonic()
            return False
        if self._begun is None or state != "idle":
            return False
        taken = time.monotonic() - self._begun
        self._begun = None
        return taken >= LONG
