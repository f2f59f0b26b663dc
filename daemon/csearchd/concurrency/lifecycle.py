"""Tells whether the service runs, ends, or is to be started again."""

from __future__ import annotations

import asyncio
import time


class Lifecycle:
    """The state of the service. Only the event loop uses it; any thread may read `is_ending`."""

    def __init__(self) -> None:
        self.began = time.monotonic()  # when the service was started
        self.restarts = False  # whether it is started again after its end
        self._ending = asyncio.Event()

    @property
    def is_ending(self) -> bool:
        """Whether `end` or `restart` was called."""
        return self._ending.is_set()

    def end(self) -> None:
        """Ends the service."""
        self._ending.set()

    def restart(self) -> None:
        """Ends the service, which is then started again."""
        self.restarts = True
        self._ending.set()

    async def ended(self) -> None:
        """Waits for `end` or `restart`."""
        await self._ending.wait()
