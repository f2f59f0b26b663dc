"""Finds the handler of a request and runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from csearch.protocol.wire import Message
from csearchd.errors import (
    ConfigError,
    Ended,
    ImageQueryError,
    LibraryError,
    ModelError,
    PlaceError,
    RequestError,
    TagsError,
    TookTooLong,
    TooMany,
    Unanswered,
    UnreadableError,
)
from csearchd.reasons import service as reasons
from csearchd.requests.exchange import Exchange
from csearchd.system.resource_limits import shortage
from csearchd.validation import Request

# Errors of the service's parts: one line of the log, where nobody waits for what was begun.
EXPECTED = (LibraryError, ModelError, PlaceError)
# What clients are told; after they have gone these are no faults.
ANSWERS = (
    *EXPECTED,
    RequestError,
    ConfigError,
    ImageQueryError,
    TagsError,
    Unanswered,
    UnreadableError,
    OSError,
    Ended,
)

# Each takes the requests of its key's type.
Handlers = Mapping[type[Request], Callable[[Any, Exchange], Awaitable[Message]]]


class HandlerGroup(Protocol):
    """Handlers that need the same parts of the service."""

    def handlers(self) -> Handlers:
        """Returns the handler of each kind of request."""


class Operations:
    """All operations, whichever way a request comes."""

    def __init__(self, *groups: HandlerGroup) -> None:
        self._handlers = {kind: one for group in groups for kind, one in group.handlers().items()}

    async def __call__(self, request: Request, exchange: Exchange) -> Message:
        """Returns the fields of the result. Raises RequestError for whatever the client has to be
        told."""
        try:
            return await self._handlers[type(request)](request, exchange)
        except TookTooLong as error:
            raise RequestError("busy", reasons.TOOK_TOO_LONG(operation=request.op)) from error
        except TooMany as error:
            raise RequestError("busy", reasons.TOO_MANY_QUESTIONS()) from error
        except LibraryError as error:
            raise RequestError("library", error.reason) from error
        except ModelError as error:
            raise RequestError("no-model", error.reason or str(error)) from error
        except (MemoryError, OSError, RuntimeError) as error:
            if what := shortage(error):
                raise RequestError("internal", what) from error
            raise
