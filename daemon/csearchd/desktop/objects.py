"""The objects on the bus: calls in, replies, errors and signals out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from dbus_fast import ErrorType, Message, MessageFlag, MessageType

from csearchd import limits
from csearchd.desktop.errors import error, error_name
from csearchd.desktop.interfaces import Interface, standard
from csearchd.desktop.sending import QueueingBus, size
from csearchd.errors import RequestError
from csearchd.requests.files import close_files
from csearchd.unexpected import log_place, unexpected

log = logging.getLogger(__name__)

_BUS = "org.freedesktop.DBus"


class Call(NamedTuple):
    """A call of a method. The descriptors in `files` are closed when it is answered."""

    sender: str
    arguments: list[Any]
    files: list[int]


Method = Callable[[Call], Awaitable[list[Any]]]
"""Returns the values of the reply; raises RequestError."""


class Object(NamedTuple):
    interface: Interface
    methods: dict[str, Method]


class Objects:
    """Answers calls that come over one connection to a bus."""

    def __init__(self, bus: QueueingBus, objects: dict[str, Object]) -> None:
        self._bus = bus
        self._objects = objects
        self._interfaces = {path: known.interface for path, known in objects.items()}
        self._tasks: dict[asyncio.Task[None], int] = {}  # bytes of their arguments, by estimate
        self._watched: dict[str, Callable[[], object]] = {}  # by callers, what they wait for

    def handle(self, message: Message) -> Message | bool:
        """Handles a message for dbus-fast: returns a reply, or whether the message was for us."""
        files = list(message.unix_fds)
        if message.message_type is not MessageType.METHOD_CALL:
            close_files(files)
            if message.member == "NameOwnerChanged" and message.sender == _BUS:
                name, _before, owner = message.body
                if not owner and name in self._watched:
                    self._watched[name]()
            return False
        if reply := standard(message, self._interfaces):
            close_files(files)
            return reply
        known = self._objects.get(message.path or "")
        if known is None or message.interface not in (None, known.interface.name):
            close_files(files)
            return False  # dbus-fast answers for Peer, or that there is none
        refused = self._refusal(message, known)
        if refused:
            close_files(files)
            return refused
        task = asyncio.create_task(self._answer(message, known, files), name="a call from the bus")
        self._tasks[task] = size(message.body)
        task.add_done_callback(lambda task: self._tasks.pop(task, None))
        return True

    def signal(
        self, path: str, member: str, values: list[Any], destination: str | None = None
    ) -> None:
        """Sends a signal of the interface at `path`, to everybody or to one."""
        interface = self._interfaces[path]
        message = Message(
            message_type=MessageType.SIGNAL,
            flags=MessageFlag.NO_REPLY_EXPECTED,
            destination=destination,
            path=path,
            interface=interface.name,
            member=member,
            signature=interface.signals[member],
            body=values,
        )
        self._send(message)

    @asynccontextmanager
    async def watched(self, caller: str, left: Callable[[], object]) -> AsyncIterator[None]:
        """Calls `left()` if a caller leaves the bus during the `with` block."""
        rule = (
            f"type='signal',sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged',"
            f"arg0='{caller}'"
        )
        try:
            self._watched[caller] = left
            await self._ask_bus("AddMatch", rule)
            if not await self._ask_bus("NameHasOwner", caller):  # it left before
                left()
            yield
        finally:
            if self._watched.get(caller) is left:
                del self._watched[caller]
            await self._ask_bus("RemoveMatch", rule)

    async def _ask_bus(self, member: str, text: str) -> Any:
        """Calls a method of the bus itself, and returns the value of its reply, if there is one."""
        if not self._bus.connected:
            return None
        path = "/org/freedesktop/DBus"
        reply = await self._bus.call(Message(_BUS, path, _BUS, member, signature="s", body=[text]))
        return reply.body[0] if reply and reply.body else None

    def close(self) -> None:
        """Drops the calls under way."""
        for task in self._tasks:
            task.cancel()

    def _refusal(self, message: Message, known: Object) -> Message | None:
        """Returns the error for a call that can't be right, or None."""
        signatures = known.interface.methods.get(message.member or "")
        if signatures is None:
            what = f"{known.interface.name} has no method {message.member}"
            return error(message, ErrorType.UNKNOWN_METHOD, what)
        if message.signature != signatures[0]:
            what = f"{message.member} takes ({signatures[0]}), not ({message.signature})"
            return error(message, ErrorType.INVALID_ARGS, what)
        if len(self._tasks) >= limits.CALLS:
            what = f"more than {limits.CALLS} calls at a time"
            return error(message, ErrorType.LIMITS_EXCEEDED, what)
        takes = size(message.body, limits.CALL_BYTES)
        if takes > limits.CALL_BYTES:
            what = f"the arguments of {message.member} take more than {limits.CALL_BYTES} bytes"
            return error(message, ErrorType.LIMITS_EXCEEDED, what)
        if takes + sum(self._tasks.values()) > limits.CALLS_BYTES:
            what = f"the calls under way take more than {limits.CALLS_BYTES} bytes"
            return error(message, ErrorType.LIMITS_EXCEEDED, what)
        return None

    async def _answer(self, message: Message, known: Object, files: list[int]) -> None:
        member = message.member or ""
        log.debug("%s.%s, called by %s", known.interface.name, member, message.sender)
        try:
            call = Call(message.sender or "", message.body, files)
            values = await known.methods[member](call)
            reply = Message.new_method_return(message, known.interface.methods[member][1], values)
        except RequestError as failure:
            reply = error(message, error_name(failure.code), str(failure))
        except Exception:
            log.exception("the call of %s.%s failed", known.interface.name, member)
            reply = error(message, error_name("internal"), str(unexpected()))
        finally:
            close_files(files)
        if message.flags.value & MessageFlag.NO_REPLY_EXPECTED.value:
            return
        try:
            if not self._bus.has_room(reply):
                what = "the bus doesn't read the replies that it has got already"
                reply = error(message, ErrorType.LIMITS_EXCEEDED, what)
            await self._bus.send(reply)
        except ConnectionError:
            pass  # the bus has gone
        except Exception:  # it can't be put into a message
            log.exception("the reply of %s.%s can't be sent", known.interface.name, member)
            text = f"the reply can't be sent; {log_place()} tells more"
            self._send(error(message, error_name("internal"), text))

    def _send(self, message: Message) -> None:
        """Sends a message. A signal is lost where the bus takes none."""
        is_signal = message.message_type is MessageType.SIGNAL
        if self._bus.connected and not (is_signal and not self._bus.has_room(message)):
            sent = self._bus.send(message)
            sent.add_done_callback(lambda sent: sent.cancelled() or sent.exception())
