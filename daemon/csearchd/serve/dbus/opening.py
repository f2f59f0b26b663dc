"""Opening pictures from a service that has no display and may be in a sandbox: others do it.

What a process of ours started would be in our sandbox; so programs of the session are asked.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from csearchd.serve.dbus import pictures
from csearchd.serve.request import RequestError

_SECONDS = 10.0  # for a program that is started by the call
_WINDOW = "org.csearch.Window"


class Opening:
    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus

    async def open(self, path: bytes) -> None:
        """In the program that the user has chosen for such files; else as `show_in_folder`.

        Raises RequestError.
        """
        try:
            file = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            where = os.fsdecode(path)
            raise RequestError("not-found", f"{where}: {error.strerror}") from None
        try:
            # https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.OpenURI.html
            opened = await self._call(
                "org.freedesktop.portal.Desktop",
                "/org/freedesktop/portal/desktop",
                "org.freedesktop.portal.OpenURI",
                "OpenFile",
                "sha{sv}",
                ["", 0, {}],
                [file],
            )
        finally:
            os.close(file)
        if not opened:
            await self.show_in_folder(path)

    async def show_in_folder(self, path: bytes) -> None:
        """Selected in the file manager. Raises RequestError where there is none."""
        # https://www.freedesktop.org/wiki/Specifications/file-manager-interface/
        shown = await self._call(
            "org.freedesktop.FileManager1",
            "/org/freedesktop/FileManager1",
            "org.freedesktop.FileManager1",
            "ShowItems",
            "ass",
            [[pictures.uri(path)], ""],
        )
        if not shown:
            raise RequestError("not-found", "no file manager answers on the session bus")

    async def search_window(self, query: str) -> None:
        """csearch's own window with this query. Raises RequestError where it isn't installed."""
        # https://specifications.freedesktop.org/desktop-entry-spec/latest/dbus.html
        shown = await self._call(
            _WINDOW,
            "/" + _WINDOW.replace(".", "/"),
            "org.freedesktop.Application",
            "ActivateAction",
            "sava{sv}",
            ["search", [Variant("s", query)], {}],
        )
        if not shown:
            raise RequestError("not-found", "the search window is not installed")

    async def _call(
        self,
        name: str,
        path: str,
        interface: str,
        member: str,
        signature: str,
        values: list[Any],
        files: list[int] | None = None,
    ) -> bool:
        """Calls another program's method; whether it did what it was asked for."""
        if not self._bus.connected:
            return False
        message = Message(
            destination=name,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=values,
            unix_fds=files or [],
        )
        try:
            reply = await asyncio.wait_for(self._bus.call(message), _SECONDS)
        except (OSError, EOFError, TimeoutError):
            return False
        return reply is not None and reply.message_type is MessageType.METHOD_RETURN
