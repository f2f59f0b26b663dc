"""Opens pictures from a service that has no display and may be in a sandbox.

A process that we started would be in our sandbox too, so programs of the session are asked. The
user's systemd starts the program that the user has chosen for such files. Where it can't, the
portal is asked, which lets the user choose until they have made the same choice three times.
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

from csearch.protocol.wire import Message as Fields
from csearchd.concurrency.workers import Workers
from csearchd.errors import RequestError, Unanswered, UnreadableError
from csearchd.library.library import Library
from csearchd.library.listings import file_at
from csearchd.previews.desktop_thumbnails import uri
from csearchd.reasons import PATH
from csearchd.reasons.pictures import UNANSWERED
from csearchd.system.files import open_file
from csearchd.watch.watcher import Watcher

_SECONDS = 10.0  # for a program that is started by the call
_SYSTEMD = "org.freedesktop.systemd1"
_SCREENS = ("DISPLAY=", "WAYLAND_DISPLAY=")
_WINDOW = "org.csearch.Window"
_BESIDE_QUERY = (
    "scopes",
    "pictures",
    "top",
    "sort",
    "reverse",
    "min_confidence",
)  # of a saved search
_FILE_MANAGER = (
    "org.freedesktop.FileManager1",
    "/org/freedesktop/FileManager1",
    "org.freedesktop.FileManager1",
)


class Opening:
    def __init__(
        self, bus: MessageBus, library: Library, watcher: Watcher, workers: Workers
    ) -> None:
        self._bus = bus
        self._library = library
        self._watcher = watcher
        self._workers = workers

    async def open(self, path: bytes) -> None:
        """Opens a picture in the program that the user has chosen for such files, else as
        `show_in_folder`.

        Raises RequestError, also for a path that is no picture of the library.
        """
        await self._check(path)
        ask = partial(self._watcher.timed_call, patient=True)
        try:
            file = await self._workers.wait(ask, path, partial(_opened, path))
        except Unanswered:
            raise RequestError("not-found", UNANSWERED(path=path)) from None
        except UnreadableError as error:
            raise RequestError("not-found", PATH(path=path, reason=error.reason)) from None
        with file:
            if await self._start(uri(path)):
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
        """Selects a picture in the file manager. Raises RequestError where there is no file
        manager, and for a path that is no picture of the library."""
        await self._check(path)
        await self._show_in_folder(path)

    async def _check(self, path: bytes) -> None:
        """Raises RequestError unless the library knows that picture: anybody on the bus may name a
        path."""
        if await self._workers.answer(file_at, self._library, path) is None:
            where = os.fsdecode(path)
            raise RequestError("not-found", f"{where} is not a picture that csearch knows")

    async def _show_in_folder(self, path: bytes) -> None:
        # https://www.freedesktop.org/wiki/Specifications/file-manager-interface/
        shown = await self._call(*_FILE_MANAGER, "ShowItems", "ass", [[uri(path)], ""])
        if shown is None:
            raise _no_file_manager()

    async def search_window(self, query: str) -> None:
        """Opens csearch's window with this query. Raises RequestError where it isn't installed."""
        if not await self._act_in_window("search", Variant("s", query)):
            raise RequestError("not-found", "the search window is not installed")

    async def tell_of_reading(self, images: int) -> None:
        """Lets csearch's window, where it is installed, tell that pictures have been read, `images`
        in all. It does so in the user's language, and not while it is open."""
        await self._act_in_window("reading-ended", Variant("x", images))

    async def _act_in_window(self, action: str, value: Variant) -> bool:
        # https://specifications.freedesktop.org/desktop-entry-spec/latest/dbus.html
        done = await self._call(
            _WINDOW,
            "/" + _WINDOW.replace(".", "/"),
            "org.freedesktop.Application",
            "ActivateAction",
            "sava{sv}",
            [action, [value], {}],
        )
        return done is not None

    async def show_saved(self, search: Fields) -> None:
        """Opens a saved search (csearchd.requests.saved) in csearch's window, or, where it is more
        than a query, of which the window isn't told, as the folder of links to what it finds.
        Raises RequestError where there is no such program."""
        if search["query"].strip() and not any(search.get(field) for field in _BESIDE_QUERY):
            await self.search_window(search["query"])
            return
        shown = await self._call(
            *_FILE_MANAGER, "ShowFolders", "ass", [[uri(search["folder"])], ""]
        )
        if shown is None:
            raise _no_file_manager()

    async def _start(self, uri: str) -> bool:
        """Opens `uri` in a unit of the user's systemd. Returns False where that can't be done."""
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
        """Calls another program's method and returns its values, or None if the call fails."""
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
    """Opens a file, which closes itself if nobody uses it. Raises UnreadableError."""
    descriptor, _ = open_file(path, sys.maxsize)
    return FileIO(descriptor)


def _no_file_manager() -> RequestError:
    return RequestError("not-found", "no file manager answers on the session bus")
