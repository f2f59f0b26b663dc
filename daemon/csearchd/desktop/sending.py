"""A connection to a bus that may be slow to read. Messages wait here until it reads them."""

from __future__ import annotations

import asyncio
import os
import select
from collections import deque
from contextlib import suppress
from typing import Any

from dbus_fast import Message, Variant
from dbus_fast.aio import MessageBus

from csearchd import limits
from csearchd.requests.files import close_files

_LOOK_SECONDS = 1.0  # between looks whether a connection that takes nothing is there still
_ELEMENT = 50  # bytes of memory for each element, by estimate


class QueueingBus(MessageBus):
    """Gives dbus-fast a message when the one before is sent and the bus has room.

    dbus-fast ends the connection when the bus' socket is full: its writer takes EAGAIN for an error
    (5.2.0, aio/message_bus.py, write_callback; known as issue 153 of dbus-next, from which it
    comes). That happens where a message is sent while another is half sent, and where a bus has
    read nothing for a while.
    """

    def __init__(self, address: str) -> None:
        super().__init__(bus_address=address, negotiate_unix_fd=True)
        self._unsent: deque[tuple[Message, asyncio.Future[None]]] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._size = 0  # of what is unsent, by estimate

    def has_room(self, message: Message) -> bool:
        """Whether the queue has room for the message."""
        return not self._unsent or self._size + size(message.body) <= limits.UNSENT_BYTES

    def send(self, msg: Message) -> asyncio.Future[None]:  # type: ignore[override]
        """Sends a message as MessageBus does. The caller may close its descriptors at once."""
        if not msg.serial:
            msg.serial = self.next_serial()
        if msg.unix_fds:
            msg.unix_fds = [os.dup(file) for file in msg.unix_fds]
        sent = asyncio.get_running_loop().create_future()
        self._unsent.append((msg, sent))
        self._size += size(msg.body)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._send_all())
        return sent

    async def _send_all(self) -> None:
        while self._unsent:
            message, sent = self._unsent[0]
            try:
                await self._wait_for_room()
                await super().send(message)
            except Exception as error:  # dbus-fast's have no common base
                if not sent.done():
                    sent.set_exception(error)
                    sent.exception()  # who doesn't ask for it doesn't care
            else:
                if not sent.done():
                    sent.set_result(None)
            finally:
                self._unsent.popleft()
                self._size -= size(message.body)
                close_files(list(message.unix_fds))

    async def _wait_for_room(self) -> None:
        """Waits until the bus has room. Raises ConnectionError where the connection has ended."""
        loop = asyncio.get_running_loop()
        file = self._fd or 0  # of the connection, as long as that is there
        while self.connected and not _is_writable(file):
            writable = asyncio.Event()
            loop.add_writer(file, writable.set)
            try:
                with suppress(TimeoutError):
                    await asyncio.wait_for(writable.wait(), _LOOK_SECONDS)
            finally:
                if self.connected:  # else it has been closed, and its number may be another's
                    loop.remove_writer(file)
        if not self.connected:
            raise ConnectionError("the bus has gone")


def _is_writable(file: int) -> bool:
    poller = select.poll()
    poller.register(file, select.POLLOUT)
    return bool(poller.poll(0))


def size(values: Any, limit: int | None = None) -> int:
    """Estimates the bytes of memory of a message's values, and stops beyond `limit`."""
    total = 0
    left = [values]
    while left and (limit is None or total <= limit):
        value = left.pop()
        total += _ELEMENT
        if isinstance(value, Variant):
            left.append(value.value)
        elif isinstance(value, (str, bytes)):
            total += len(value)
        elif isinstance(value, dict):
            left += [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple)):
            left += value
    return total
