"""Asking the daemon's operations from the bus; of one sender's searches the newest counts."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from csearch.protocol.wire import Message
from csearchd.serve.request import Handler, Request, RequestError
from csearchd.serve.stream import close_files

log = logging.getLogger(__name__)

Tell = Callable[[Message], Awaitable[None]]


class Asking:
    """One request and its replies; it is the Front of the request that it makes."""

    def __init__(
        self,
        handle: Handler,
        message: Message,
        progress: Tell | None = None,
        hits: Tell | None = None,
        files: Sequence[int] = (),
    ) -> None:
        """`hits` gets the hits as they come; without it they are kept. `files` came along."""
        self._handle = handle
        self._progress = progress
        self._tell_hits = hits
        self.request = Request(message, self, files)
        self.hits: list[Message] = []
        self.waiting = False  # for the library, not for the answer itself

    async def run(self) -> Message:
        """The result. Raises RequestError."""
        # A search that was superseded goes on when its call has ended, and its files are closed.
        files = self.request.files = [os.dup(file) for file in self.request.files]
        try:
            return await self._handle(self.request)
        finally:
            close_files(files)

    def find(self, identifier: object) -> Request | None:
        return None

    def holds(self, request: Request, results: int) -> None:
        pass  # how many there may be is bounded by how many are asked for

    async def reply(self, request: Request, kind: str, fields: Message) -> None:
        if kind == "progress":
            self.waiting = True
            if self._progress:
                await self._progress(fields)
        elif self._tell_hits:
            await self._tell_hits(fields)
        else:
            self.hits.extend(fields["hits"])


class Superseded(RequestError):
    """The same sender has asked for something newer."""

    def __init__(self) -> None:
        super().__init__("cancelled", "a newer search of the same program took its place")


class _Turn:
    def __init__(self, asking: Asking) -> None:
        self.asking = asking
        self.superseded = asyncio.Event()
        self.over = asyncio.Event()
        self.task: asyncio.Task[Message] | None = None

    def supersede(self) -> None:
        self.superseded.set()
        # One that computes ends by itself, and soon; its thread could not be stopped anyway.
        if self.task and self.asking.waiting:
            self.task.cancel()


class Newest:
    """Lets each sender have one search under way; while it computes, only the newest waits."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    def current(self, sender: str) -> Asking | None:
        """The search of `sender` that is under way, if there is one."""
        turn = self._turns.get(sender)
        return turn.asking if turn else None

    def cancel(self, sender: str) -> None:
        """Ends the search of `sender`, if there is one."""
        if turn := self._turns.get(sender):
            turn.supersede()

    async def run(self, sender: str, asking: Asking) -> Message:
        """The result of `asking`. Raises Superseded when a newer one comes; RequestError."""
        before = self._turns.get(sender)
        turn = self._turns[sender] = _Turn(asking)
        if before:
            before.supersede()
            await before.over.wait()
        if turn.superseded.is_set():
            self._end(sender, turn)
            raise Superseded
        turn.task = asyncio.create_task(asking.run())
        turn.task.add_done_callback(lambda _: self._end(sender, turn))
        turn.task.add_done_callback(_forget)
        superseded = asyncio.create_task(turn.superseded.wait())
        try:
            await asyncio.wait({turn.task, superseded}, return_when=asyncio.FIRST_COMPLETED)
            if turn.superseded.is_set():
                raise Superseded
            return turn.task.result()
        finally:
            superseded.cancel()

    def _end(self, sender: str, turn: _Turn) -> None:
        turn.over.set()
        if self._turns.get(sender) is turn:
            del self._turns[sender]


def _forget(task: asyncio.Task[Any]) -> None:
    """Perhaps nobody waits for the outcome any more: what nobody expects is logged."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, RequestError):
        log.error("a search from the bus failed", exc_info=error)
