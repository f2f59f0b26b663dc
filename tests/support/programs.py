"""The session's programs that open pictures, stood in for."""

from __future__ import annotations

from typing import Any

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from support.bus import Bus

PORTAL = "org.freedesktop.portal.Desktop"
FILE_MANAGER = "org.freedesktop.FileManager1"
WINDOW = "org.csearch.Window"


class Programs:
    """Takes their names and keeps what they are told."""

    def __init__(self, bus: Bus, *names: str) -> None:
        self._address = bus.address
        self._names = names
        self.told: list[tuple[str | None, list[Any]]] = []
        self.read = b""  # of the file that was handed over

    async def __aenter__(self) -> Programs:
        self._bus = await MessageBus(self._address, negotiate_unix_fd=True).connect()
        self._bus.add_message_handler(self._answer)
        for name in self._names:
            await self._bus.request_name(name)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._bus.disconnect()

    def _answer(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        for file in message.unix_fds:
            with open(file, "rb") as handed:
                self.read = handed.read()
        self.told.append((message.member, message.body))
        signature = "o" if message.member == "OpenFile" else ""
        return Message.new_method_return(message, signature, ["/request"] if signature else [])
