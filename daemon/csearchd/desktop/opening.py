"""Opening pictures from a service that has no display and may be in a sandbox: others do it.

What a process of ours started would be in our sandbox; so programs of the session are asked. The
user's systemd starts what the user has chosen for such files. Where it can't, the portal is asked,
which lets the user choose again until the same choice was made three times.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from functools import partial
from io import FileIO
from typing import Any

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from csearchd.desktop import pictures
from csearchd.errors import Unanswered, UnreadableError
from csearchd.library.listings import file_at
from csearchd.serve.request import RequestError
from csearchd.serve.service import Service
from csearchd.system.files import open_file

_SECONDS = 10.0  # for a program that is started by the call
_SYSTEMD = "org.freedesktop.systemd1"
_SCREENS = ("DISPLAY=", "WAYLAND_DISPLAY=")
_WINDOW = "org.csearch.Window"


class Opening:
    def __init__(self, bus: MessageBus, service: Service) -> None:
        self._bus = bus
        self._service = service

    async def open(self, path: bytes) -> None:
        """In the program that the user has chosen for such files; else as `show_in_folder`.

        Raises RequestError, for what is no picture of the library's too.
        """
        await self._check(path)
        where = os.fsdecode(path)
        ask = partial(self._service.scanner.watcher.timed_call, patient=True)
        try:
            file = await self._service.wait(ask, path, partial(_opened, path))
        except Unanswered:
            raise RequestError("not-found", f"{where}: its file system doesn't answer") from None
        except UnreadableError as error:
            raise RequestError("not-found", f"{where}: {error}") from None
        with file:
            if await self._start(pictures.uri(path)):
                return
            # https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.OpenURI.html
            opened = await self._call(
                "org.freedesktop.portal.Desktop",
                "/org/freedesktop/portal/desktop",
                "org.freedesktop.portal.OpenURI",
                "OpenFile",
                "sha{sv}",
                ["", 0, {}],
                [file.fileno()],
            )
        if opened is None:
            await self._show_in_folder(path)

    async def show_in_folder(self, path: bytes) -> None:
        """Selected in the file manager. Raises RequestError where there is none, and for what is
        no picture of the library's."""
        await self._check(path)
        await self._show_in_folder(path)

    async def _check(self, path: bytes) -> None:
        """Whoever is on the bus names the path: only pictures that we know are opened for them."""
        if await self._service.run(file_at, self._service.library, path) is None:
            where = os.fsdecode(path)
            raise RequestError("not-found", f"{where}: is no picture that csearch knows")

    async def _show_in_folder(self, path: bytes) -> None:
        # https://www.freedesktop.org/wiki/Specifications/file-manager-interface/
        shown = await self._call(
            "org.freedesktop.FileManager1",
            "/org/freedesktop/FileManager1",
            "org.freedesktop.FileManager1",
            "ShowItems",
            "ass",
            [[pictures.uri(path)], ""],
        )
        if shown is None:
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
        if shown is None:
            raise RequestError("not-found", "the search window is not installed")

    async def _start(self, uri: str) -> bool:
        """Opens `uri` by a unit of the user's systemd; False where that can't be done."""
        opener = shutil.which("xdg-open")
        at = (_SYSTEMD, "/org/freedesktop/systemd1")
        values = [f"{_SYSTEMD}.Manager", "Environment"]
        told = await self._call(*at, "org.freedesktop.DBus.Properties", "Get", "ss", values)
        environment = told[0].value if told else []
        if not opener or not any(word.startswith(_SCREENS) for word in environment):
            return False
        # systemd would put in variables: what is left of "$" in a URI is escaped.
        command = [opener, [opener, uri.replace("$", "%24")], False]
        properties = [
            ["Description", Variant("s", "Opens a picture that was found")],
            ["Type", Variant("s", "exec")],
            ["ExecStart", Variant("a(sasb)", [command])],
            ["KillMode", Variant("s", "process")],  # the program outlives what opened it
            ["CollectMode", Variant("s", "inactive-or-failed")],
        ]
        unit = [f"csearch-open-{time.time_ns()}.service", "fail", properties, []]
        # https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html
        started = await self._call(
            *at, f"{_SYSTEMD}.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))", unit
        )
        return started is not None

    async def _call(
        self,
        name: str,
        path: str,
        interface: str,
        member: str,
        signature: str,
        values: list[Any],
        files: list[int] | None = None,
    ) -> list[Any] | None:
        """Calls another program's method: what it returns; None unless it does what it should."""
        if not self._bus.connected:
            return None
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
            return None
        if reply is None or reply.message_type is not MessageType.METHOD_RETURN:
            return None
        return reply.body


def _opened(path: bytes) -> FileIO:
    """Closes itself where nobody waits for it any more. Raises UnreadableError."""
    descriptor, _ = open_file(path, sys.maxsize)
    return FileIO(descriptor)
