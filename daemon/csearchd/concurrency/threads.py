"""The service's thread pools, which never wait for each other, and the cancellation of their work.

A thread can't be stopped from outside. So work that may take long checks its `Cancellation` now and
then, which says whether it was cancelled.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from csearchd import limits
from csearchd.errors import Ended, TookTooLong, TooMany

R = TypeVar("R")


def setter(event: asyncio.Event) -> Callable[[], None]:
    """A function that sets an event of the running loop, and that any thread may call."""
    loop = asyncio.get_running_loop()

    def set_soon() -> None:
        if not event.is_set():
            with suppress(RuntimeError):  # the daemon ends, and its loop is closed
                loop.call_soon_threadsafe(event.set)

    return set_soon


class Cancellation:
    """Tells a thread whether its work was cancelled, or has taken too long."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: how long the work may take."""
        self._deadline = time.monotonic() + seconds
        self._cancelled = False

    def cancel(self) -> None:
        """Cancels the work."""
        self._cancelled = True

    def check(self) -> None:
        """Raises Ended if the work was cancelled, or has taken too long."""
        if self._cancelled or time.monotonic() > self._deadline:
            raise Ended


class Threads:
    """The thread pools. Only the event loop uses it.

    Each coroutine runs a function in a thread and returns its result. It raises TookTooLong after a
    time limit (csearchd.limits). When it raises or is cancelled, it cancels the function's work
    through its Cancellation.
    """

    def __init__(self, left: Callable[[Future[Any]], object]) -> None:
        """`left` is called with the future of a function that was cancelled, to read its error."""
        self._left = left
        self.waiting = ThreadPoolExecutor(limits.WAITING, "waiting")
        self._answering = ThreadPoolExecutor(limits.ANSWERING, "answering")
        count = sum(number for number, _ in limits.SLOW.values())
        self._slow = ThreadPoolExecutor(count, "slow")
        self._turns = {kind: asyncio.Semaphore(n) for kind, (n, _) in limits.SLOW.items()}
        self._queued: Counter[str] = Counter()

    async def answer(self, function: Callable[[Cancellation], R]) -> R:
        """For searches and status, which never wait long. Raises TookTooLong."""
        return await self._run(self._answering, limits.ANSWER_SECONDS, function)

    async def wait(self, function: Callable[[Cancellation], R]) -> R:
        """For work that may wait for file systems, or to write to the database. Raises
        TookTooLong."""
        return await self._run(self.waiting, limits.WAIT_SECONDS, function)

    async def walk(self, function: Callable[[Cancellation], R]) -> R:
        """Like `wait`, for work that goes through the whole library. Raises TookTooLong."""
        return await self._run(self.waiting, limits.WALK_SECONDS, function)

    async def slow(self, kind: str, function: Callable[[Cancellation], R]) -> R:
        """For long computations; `kind` is a key of limits.SLOW. Raises TookTooLong or TooMany."""
        if self._queued[kind] >= limits.QUEUED:
            raise TooMany
        self._queued[kind] += 1
        turn, seconds = self._turns[kind], limits.SLOW[kind][1]
        begun = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                await turn.acquire()
        except TimeoutError:
            raise TookTooLong from None
        finally:
            self._queued[kind] -= 1
        loop = asyncio.get_running_loop()

        def give_turn_back(_: Future[R] | None) -> None:  # called in any thread
            with suppress(RuntimeError):  # the daemon has ended
                loop.call_soon_threadsafe(turn.release)

        left = max(0.0, begun + seconds - time.monotonic())
        return await self._run(self._slow, left, function, give_turn_back)

    def stop(self) -> None:
        """Cancels all work that hasn't begun."""
        for group in (self._answering, self._slow, self.waiting):
            group.shutdown(wait=False, cancel_futures=True)

    async def _run(
        self,
        group: ThreadPoolExecutor,
        seconds: float,
        function: Callable[[Cancellation], R],
        done: Callable[[Future[R] | None], object] = lambda _: None,
    ) -> R:
        """Runs `function` in a thread of `group`. `done` is called when it ends, in any thread."""
        cancellation = Cancellation(seconds)
        try:
            future = group.submit(function, cancellation)
        except RuntimeError:  # no thread can be started for it
            cancellation.cancel()  # it is queued nevertheless
            done(None)
            raise
        future.add_done_callback(done)
        try:
            async with asyncio.timeout(seconds) as limit:
                return await asyncio.wrap_future(future)
        except Ended:
            raise TookTooLong from None
        except TimeoutError:
            if not limit.expired():
                raise
            raise TookTooLong from None
        finally:
            cancellation.cancel()
            if not future.done():
                self._left(future)
