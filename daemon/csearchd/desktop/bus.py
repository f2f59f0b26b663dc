"""Joins the session bus when it is there, and again when it comes back."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote

from inotify_simple import INotify, flags

from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.threads import setter
from csearchd.concurrency.workers import Workers
from csearchd.library.library import Library
from csearchd.requests.exchange import Handler
from csearchd.watch.watcher import Watcher

if TYPE_CHECKING:
    from csearchd.desktop.connection import BusConnection

log = logging.getLogger(__name__)

NAME = "org.csearch.Csearch1"
_AUTH_SECONDS = 10.0
_FIRST_RETRY, _LAST_RETRY = 1.0, 60.0  # seconds, where a bus is there and doesn't answer
_BETWEEN_CHANGES = 1.0


class SessionBus:
    """Keeps the daemon on the session bus. It costs nothing while there is no bus."""

    def __init__(
        self,
        handle: Handler,
        library: Library,
        watcher: Watcher,
        workers: Workers,
        supervisor: Supervisor,
    ) -> None:
        self._handle = handle
        self._library = library
        self._watcher = watcher
        self._workers = workers
        self._supervisor = supervisor
        self._changed = asyncio.Event()  # the library was
        library.on_commit(setter(self._changed))

    async def run(self) -> None:
        """Joins, serves, and joins again, until it is cancelled."""
        retry = _FIRST_RETRY
        told = False
        while True:
            appeared = _Appearance(addresses())
            if appeared.last_error and not told:
                log.warning("%s", appeared.last_error)
            told = appeared.last_error is not None
            try:
                for address in addresses():
                    if await self._serve(address):
                        retry = _FIRST_RETRY
                there = any(os.path.exists(socket) for socket in appeared.sockets)
                await appeared.wait(retry if there else None)
                retry = min(2 * retry, _LAST_RETRY) if there else _FIRST_RETRY
            finally:
                appeared.close()

    async def _serve(self, address: str) -> bool:
        """Serves on the bus at `address` until it is lost; False if it can't be joined."""
        # It imports dbus-fast, which is only needed where there is a bus.
        from csearchd.desktop.connection import BusConnection

        try:
            joining = BusConnection.join(
                address,
                NAME,
                self._handle,
                self._library,
                self._watcher,
                self._workers,
                self._supervisor,
            )
            connection = await asyncio.wait_for(joining, _AUTH_SECONDS)
        except Exception as error:  # dbus-fast's have no common base
            log.debug("the session bus at %s can't be joined: %s", address, error)
            return False
        log.info("joined the session bus")
        telling = self._supervisor.start(
            "telling the session bus of changes", lambda: self._tell(connection)
        )
        try:
            await connection.lost()
        finally:
            telling.cancel()
            connection.leave()
        log.info("the session bus has gone")
        return True

    async def _tell(self, connection: BusConnection) -> None:
        """Sends the signal `Changed` after changes, at most once in _BETWEEN_CHANGES seconds."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await connection.tell_changes()
            await asyncio.sleep(_BETWEEN_CHANGES)


def addresses() -> list[str]:
    """Addresses where a session bus may be (D-Bus specification, "Well-known Message Bus
    Instances")."""
    found = [os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "") or f"/run/user/{os.getuid()}"
    found.append(f"unix:path={runtime}/bus")
    return [address for address in dict.fromkeys(found) if address]


class _Appearance:
    """Notices when the socket of a bus is made. Where its directory doesn't exist or can't be
    watched, it looks now and then; `last_error` says why it can't."""

    def __init__(self, addresses: list[str]) -> None:
        paths = [re.search(r"^unix:(?:.*,)?path=([^,;]+)", address) for address in addresses]
        self.sockets = [unquote(path[1]) for path in paths if path]
        self.last_error: str | None = None
        self._seen = asyncio.Event()
        self._inotify: INotify | None = None
        self._all_watched = True
        try:
            self._inotify = INotify()
        except OSError as error:
            self._complain(error)
            return
        for directory in {os.path.dirname(socket) for socket in self.sockets}:
            try:
                self._inotify.add_watch(directory, flags.CREATE | flags.MOVED_TO)
            except FileNotFoundError:
                self._all_watched = False
            except OSError as error:
                self._complain(error)
        asyncio.get_running_loop().add_reader(self._inotify.fileno(), self._read)

    def _complain(self, error: OSError) -> None:
        self._all_watched = False
        self.last_error = (
            f"the session bus can't be watched for ({error.strerror}), and is looked for every "
            f"{_LAST_RETRY:g} seconds instead"
        )

    def _read(self) -> None:
        assert self._inotify is not None
        names = {os.path.basename(socket) for socket in self.sockets}
        for event in self._inotify.read(timeout=0):
            if event.name in names or event.mask & flags.IGNORED:  # the directory has gone
                self._seen.set()

    async def wait(self, seconds: float | None) -> None:
        """Waits until there may be a bus, or `seconds` have passed."""
        if not self._all_watched:
            seconds = _LAST_RETRY if seconds is None else seconds
        with suppress(TimeoutError):
            await asyncio.wait_for(self._seen.wait(), seconds)

    def close(self) -> None:
        if self._inotify is not None:
            asyncio.get_running_loop().remove_reader(self._inotify.fileno())
            self._inotify.close()
