"""A request under way, whichever way it came: over the socket or over D-Bus."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from csearch.protocol.wire import Message
from csearchd.validation import Request


class Front(Protocol):
    """The way a request came, and its replies go."""

    def find(self, identifier: int | None) -> Exchange | None:
        """The exchange of the same client with that id, if it is still under way."""

    async def reply(self, exchange: Exchange, kind: str, fields: Message) -> None:
        """Sends a reply; does nothing if the client is gone."""

    def holds(self, exchange: Exchange, results: int) -> None:
        """So many results are kept in memory until the client has read them."""


class Exchange:
    """A request under way, and the way to reply to it.

    `files` are descriptors that came with it. Who takes them over empties the list; those that are
    left at the end are closed by whoever made the exchange.
    """

    def __init__(
        self, front: Front, files: Sequence[int] = (), identifier: int | None = None
    ) -> None:
        self.front = front
        self.files = list(files)
        self.identifier = identifier  # the client's
        self.answer_now = asyncio.Event()  # the client won't wait any longer

    async def reply(self, kind: str, **fields: object) -> None:
        """Sends a `progress` or `hits` reply."""
        await self.front.reply(self, kind, fields)

    def holds(self, results: int) -> None:
        """Says how many results are kept until they have been sent."""
        self.front.holds(self, results)


Handler = Callable[[Request, Exchange], Awaitable[Message]]
"""Answers a request with the fields of its result; raises RequestError."""
