"""Whether the service goes on, ends, or starts again."""

from __future__ import annotations

import asyncio
import time


class Lifecycle:
    """Used in the event loop alone, but for `is_ending`, which may be read in any thread."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.restarts = False  # it starts again once it has ended
        self._ending = asyncio.Event()

    @property
    def is_ending(self) -> bool:
        return self._ending.is_set()

    def end(self) -> None:
        self._ending.set()

    def restart(self) -> None:
        """Ends the service and lets it start again."""
        self.restarts = True
        self._ending.set()

    async def ended(self) -> None:
        """Waits until the service is to end."""
        await self._ending.wait()
