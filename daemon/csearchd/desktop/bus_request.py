"""Requests that come over D-Bus. Of one sender's searches only the newest is answered."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from csearch.protocol.wire import Message
from csearchd.errors import RequestError, Superseded
from csearchd.requests.exchange import Exchange, Handler
from csearchd.requests.files import close_files
from csearchd.validation import Request

log = logging.getLogger(__name__)

Tell = Callable[[Message], Awaitable[None]]


class BusRequest:
    """One request and its replies. It is the Front of its own exchange."""

    def __init__(
        self,
        handle: Handler,
        request: Request,
        progress: Tell | None = None,
        hits: Tell | None = None,
        files: Sequence[int] = (),
        stoppable: bool = False,
    ) -> None:
        """`progress` and `hits` are called with the fields of such replies; without `hits`, they
        are collected in the attribute of that name. `files` are descriptors that came with the
        call. `stoppable`: its computation looks whether it was cancelled."""
        self._handle = handle
        self._progress = progress
        self._tell_hits = hits
        self._request = request
        self.exchange = Exchange(self, files)
        self.hits: list[Message] = []
        self.stoppable = stoppable  # also while it waits for pictures to be read

    async def run(self) -> Message:
        """Returns the result. Raises RequestError."""
        # A superseded search may outlive its call, whose files are closed when it ends.
        files = self.exchange.files = [os.dup(file) for file in self.exchange.files]
        try:
            return await self._handle(self._request, self.exchange)
        finally:
            close_files(files)

    def find(self, identifier: int | None) -> Exchange | None:
        return None

    def holds(self, exchange: Exchange, results: int) -> None:
        pass  # the call itself limits their number

    async def reply(self, exchange: Exchange, kind: str, fields: Message) -> None:
        if kind == "progress":
            self.stoppable = True
            if self._progress:
                await self._progress(fields)
        elif self._tell_hits:
            await self._tell_hits(fields)
        else:
            self.hits.extend(fields["hits"])


class _Turn:
    """A search of one sender, from its call to the end of its work."""

    def __init__(self, bus_request: BusRequest) -> None:
        self.bus_request = bus_request
        self.superseded = asyncio.Event()
        self.over = asyncio.Event()
        self.task: asyncio.Task[Message] | None = None

    def supersede(self) -> None:
        self.superseded.set()
        # A search that computes ends soon by itself, and its thread can't be stopped.
        if self.task and self.bus_request.stoppable:
            self.task.cancel()


class LatestSearches:
    """One search at a time for each sender. A newer one supersedes those that wait or run."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    def current(self, sender: str) -> BusRequest | None:
        """Returns the search of `sender` that is under way, or None."""
        turn = self._turns.get(sender)
        return turn.bus_request if turn else None

    def cancel(self, sender: str) -> None:
        """Ends the search of `sender`, if there is one."""
        if turn := self._turns.get(sender):
            turn.supersede()

    async def run(self, sender: str, bus_request: BusRequest) -> Message:
        """Returns the result of `bus_request`. Raises RequestError, and Superseded when a newer
        search comes."""
        before = self._turns.get(sender)
        turn = self._turns[sender] = _Turn(bus_request)
        if before:
            before.supersede()
            await before.over.wait()
        if turn.superseded.is_set():
            self._end(sender, turn)
            raise Superseded
        turn.task = asyncio.create_task(bus_request.run())
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
    """Logs an unexpected error, since the caller may have gone."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, RequestError):
        log.error("a search from the bus failed", exc_info=error)
