"""Shares one run of costly work between all callers that request it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

R = TypeVar("R")


class SingleFlight(Generic[R]):
    """Runs `work` for several callers, at most once at a time.

    A caller that comes during a run shares the next one with others, since the current run may miss
    what has changed since it began. Only the event loop uses it.
    """

    def __init__(self, work: Callable[[], Awaitable[R]]) -> None:
        self._work = work
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[R] | None = None

    async def run(self) -> R:
        """Returns what `work` returns, and raises what it raises. The cancellation of one caller
        doesn't affect the others."""
        if self._next is None:
            self._next = asyncio.create_task(self._run())
            self._next.add_done_callback(_read)
        return await asyncio.shield(self._next)

    async def _run(self) -> R:
        async with self._turn:
            self._next = None
            return await self._work()


def _read(task: asyncio.Task[R]) -> None:
    """Reads the error, which the callers get too, in case all of them were cancelled."""
    if not task.cancelled():
        task.exception()
