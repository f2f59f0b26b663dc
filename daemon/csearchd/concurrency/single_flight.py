"""One run of costly work for all who ask for it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

R = TypeVar("R")


class SingleFlight(Generic[R]):
    """At most one run is under way, and at most one more waits for its end, however many ask.

    Who asks during a run gets the outcome of the next one: the run may be past what has changed
    since it began. Used in the event loop alone.
    """

    def __init__(self, work: Callable[[], Awaitable[R]]) -> None:
        self._work = work
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[R] | None = None

    async def run(self) -> R:
        """What `work` returns or raises. Who is cancelled leaves the run to the others."""
        if self._next is None:
            self._next = asyncio.create_task(self._run())
            self._next.add_done_callback(_read)
        return await asyncio.shield(self._next)

    async def _run(self) -> R:
        async with self._turn:
            self._next = None
            return await self._work()


def _read(task: asyncio.Task[R]) -> None:
    """The callers get the error, too; where all have left, nobody needs it."""
    if not task.cancelled():
        task.exception()
