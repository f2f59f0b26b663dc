"""Functions in the service's thread groups, for coroutines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from csearchd.concurrency.lifecycle import Lifecycle
from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.threads import Threads, Until

P = ParamSpec("P")
R = TypeVar("R")


class Workers:
    """Used in the event loop alone. All but `begin` raise what the function raises, and
    TookTooLong."""

    def __init__(
        self,
        threads: Threads,
        lifecycle: Lifecycle,
        supervisor: Supervisor,
        expected: tuple[type[Exception], ...],
    ) -> None:
        """`expected` are errors of a function that nobody waits for which are logged in a line."""
        self._threads = threads
        self._lifecycle = lifecycle
        self._supervisor = supervisor
        self._expected = expected

    async def answer(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """`function` in a thread for searches and status, which never wait long."""
        return await self._threads.answer(lambda _: function(*args, **kwargs))

    async def answer_while_wanted(
        self, function: Callable[Concatenate[Until, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """As `answer`, for a function that checks whether anybody still waits for it."""
        return await self._threads.answer(lambda until: function(until, *args, **kwargs))

    async def wait(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """`function` in a thread for what may wait for file systems, or writes the library."""
        return await self._threads.wait(lambda _: function(*args, **kwargs))

    async def walk(
        self, function: Callable[Concatenate[Until, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """As `wait`, for what goes through all that the library knows, which may take hours."""
        return await self._threads.walk(lambda until: function(until, *args, **kwargs))

    async def compute(
        self,
        kind: str,
        function: Callable[Concatenate[Until, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """`function` in a thread for slow questions of a kind (csearchd.limits.SLOW). Raises
        TooMany."""
        return await self._threads.slow(kind, lambda until: function(until, *args, **kwargs))

    def begin(self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> None:
        """Runs `function` in a thread for what may wait, unless the service ends; nobody waits for
        it."""
        if not self._lifecycle.is_ending:
            begun = self._threads.waiting.submit(function, *args, **kwargs)
            self._supervisor.watch(name, begun, self._expected)
