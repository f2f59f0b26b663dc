"""What is asked of the daemon, whichever way it came: over the socket or D-Bus."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from csearch.protocol.wire import Message


class RequestError(Exception):
    """A request that can't be met: a code of the protocol, a text for the user, other fields."""

    def __init__(self, code: str, message: str, **fields: object) -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields


class Front(Protocol):
    """The way a request came, and its replies go."""

    def find(self, identifier: object) -> Request | None:
        """The request of the same client with that id, if it is still under way."""

    async def reply(self, request: Request, kind: str, fields: Message) -> None:
        """Sends a reply; does nothing if the client is gone."""

    def holds(self, request: Request, results: int) -> None:
        """So many results are kept in memory until the client has read them."""


class Request:
    """A request under way, and the way to reply to it.

    `files` are descriptors that came with it. Who takes them over empties the list; those that are
    left at the end are closed by whoever made the request.
    """

    def __init__(self, message: Message, front: Front, files: Sequence[int] = ()) -> None:
        self.message = message
        self.front = front
        self.files = list(files)
        self.answer_now = asyncio.Event()  # the client won't wait any longer

    async def reply(self, kind: str, **fields: object) -> None:
        await self.front.reply(self, kind, fields)

    def holds(self, results: int) -> None:
        """Says how many results are kept until they have been sent."""
        self.front.holds(self, results)


Handler = Callable[[Request], Awaitable[Message]]
"""Answers a request; raises RequestError."""
