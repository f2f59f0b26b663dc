"""Runs functions in the service's thread pools, for coroutines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from csearchd.concurrency.lifecycle import Lifecycle
from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.threads import Cancellation, Threads

P = ParamSpec("P")
R = TypeVar("R")


class Workers:
    """Only the event loop uses it. Each coroutine returns what the function returns, and raises
    what it raises, or TookTooLong."""

    def __init__(
        self,
        threads: Threads,
        lifecycle: Lifecycle,
        supervisor: Supervisor,
        expected: tuple[type[Exception], ...],
    ) -> None:
        """`expected`: errors of functions in the background (`begin`) that are logged in one
        line."""
        self._threads = threads
        self._lifecycle = lifecycle
        self._supervisor = supervisor
        self._expected = expected

    async def answer(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs `function`, for searches and status, which never wait long."""
        return await self._threads.answer(lambda _: function(*args, **kwargs))

    async def answer_while_wanted(
        self, function: Callable[Concatenate[Cancellation, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Like `answer`, for a function that checks whether it was cancelled."""
        return await self._threads.answer(
            lambda cancellation: function(cancellation, *args, **kwargs)
        )

    async def wait(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs `function`, which may wait for file systems, or to write to the library."""
        return await self._threads.wait(lambda _: function(*args, **kwargs))

    async def walk(
        self, function: Callable[Concatenate[Cancellation, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Like `wait`, for a function that goes through the whole library, which may take hours."""
        return await self._threads.walk(
            lambda cancellation: function(cancellation, *args, **kwargs)
        )

    async def compute(
        self,
        kind: str,
        function: Callable[Concatenate[Cancellation, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Runs `function`, a slow computation; `kind` is a key of csearchd.limits.SLOW. Raises
        TooMany too."""
        return await self._threads.slow(
            kind, lambda cancellation: function(cancellation, *args, **kwargs)
        )

    def begin(self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> None:
        """Starts `function` in the background, like `wait`, unless the service ends. `name` is
        shown to users if it fails."""
        if not self._lifecycle.is_ending:
            begun = self._threads.waiting.submit(function, *args, **kwargs)
            self._supervisor.watch(name, begun, self._expected)
