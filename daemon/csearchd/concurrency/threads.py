"""The service's threads, in three groups that never wait for each other, and what ends a question.

A thread can't be stopped from outside. So what may take long looks at its `Until` now and then,
which says whether anybody waits for it still.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from csearchd import limits
from csearchd.errors import Ended, TookTooLong, TooMany

log = logging.getLogger(__name__)

R = TypeVar("R")


def setter(event: asyncio.Event) -> Callable[[], None]:
    """A function that sets an event of the running loop, and may be called in any thread."""
    loop = asyncio.get_running_loop()

    def set_soon() -> None:
        if not event.is_set():
            with suppress(RuntimeError):  # the daemon ends, and its loop has
                loop.call_soon_threadsafe(event.set)

    return set_soon


class Until:
    """Says to a thread whether its work is still wanted."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._ended = False

    def end(self) -> None:
        self._ended = True

    def check(self) -> None:
        """Raises Ended."""
        if self._ended or time.monotonic() > self._deadline:
            raise Ended


class Threads:
    """Used in the event loop alone; so are the coroutines that it gives."""

    def __init__(self, left: Callable[[Future[Any]], object]) -> None:
        """`left` is called with a future that nobody waits for any more, and reads it."""
        self._left = left
        self.waiting = ThreadPoolExecutor(limits.WAITING, "waiting")
        self._answering = ThreadPoolExecutor(limits.ANSWERING, "answering")
        most = sum(number for number, _ in limits.SLOW.values())
        self._slow = ThreadPoolExecutor(most, "slow")
        self._turns = {kind: asyncio.Semaphore(n) for kind, (n, _) in limits.SLOW.items()}
        self._queued: Counter[str] = Counter()

    async def answer(self, function: Callable[[Until], R]) -> R:
        """For searches and status: what never waits long. Raises TookTooLong."""
        return await self._run(self._answering, limits.ANSWER_SECONDS, function)

    async def wait(self, function: Callable[[Until], R]) -> R:
        """For what may wait: for file systems, for the database's writer. Raises TookTooLong."""
        return await self._run(self.waiting, limits.WAIT_SECONDS, function)

    async def walk(self, function: Callable[[Until], R]) -> R:
        """The same, for what goes through all that the library knows. Raises TookTooLong."""
        return await self._run(self.waiting, limits.WALK_SECONDS, function)

    async def slow(self, kind: str, function: Callable[[Until], R]) -> R:
        """For what computes for long; `kind` is one of limits.SLOW. Raises TookTooLong, TooMany."""
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
        """What hasn't begun never will."""
        for group in (self._answering, self._slow, self.waiting):
            group.shutdown(wait=False, cancel_futures=True)

    async def _run(
        self,
        group: ThreadPoolExecutor,
        seconds: float,
        function: Callable[[Until], R],
        done: Callable[[Future[R] | None], object] = lambda _: None,
    ) -> R:
        """What `function` gives. It is told to end when its caller is cancelled or time is up."""
        until = Until(seconds)
        try:
            future = group.submit(function, until)
        except RuntimeError:  # no thread can be started for it
            until.end()  # it is in the queue all the same
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
            until.end()
            if not future.done():
                self._left(future)
