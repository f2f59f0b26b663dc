"""One connection to a bus, with the name and the objects on it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.workers import Workers
from csearchd.desktop import csearch_interface, gnome_shell, krunner
from csearchd.desktop.bus_request import BusRequest
from csearchd.desktop.csearch_interface import CsearchInterface
from csearchd.desktop.gnome_shell import ShellSearchProvider
from csearchd.desktop.krunner import KRunner
from csearchd.desktop.objects import Objects
from csearchd.desktop.opening import Opening
from csearchd.desktop.sending import QueueingBus
from csearchd.desktop.thumbnailer import Thumbnailer
from csearchd.errors import RequestError
from csearchd.indexing.long_readings import LongReadings
from csearchd.library.library import Library
from csearchd.previews.picture_maker import PictureMaker
from csearchd.requests.exchange import Handler
from csearchd.requests.service import StatusRequest
from csearchd.watch.watcher import Watcher


class BusConnection:
    def __init__(
        self,
        bus: QueueingBus,
        handle: Handler,
        library: Library,
        watcher: Watcher,
        workers: Workers,
        supervisor: Supervisor,
    ) -> None:
        self._bus = bus
        self._handle = handle
        self._opening = opening = Opening(bus, library, watcher, workers)
        self._readings = LongReadings()
        self._telling: asyncio.Task[None] | None = None  # of the end of one
        in_boxes = Thumbnailer(watcher, workers, supervisor)
        in_windows = Thumbnailer(watcher, workers, supervisor)
        picture_maker = PictureMaker()
        self._makers = in_boxes, in_windows, picture_maker
        self._csearch = CsearchInterface(handle, library, workers, in_windows, picture_maker)
        self._objects = Objects(
            bus,
            {
                csearch_interface.PATH: self._csearch.object,
                gnome_shell.PATH: ShellSearchProvider(handle, opening, in_boxes).object,
                krunner.PATH: KRunner(handle, opening, in_boxes).object,
            },
        )
        self._csearch.objects = self._objects
        bus.add_message_handler(self._objects.handle)

    @classmethod
    async def join(
        cls,
        address: str,
        name: str,
        handle: Handler,
        library: Library,
        watcher: Watcher,
        workers: Workers,
        supervisor: Supervisor,
    ) -> BusConnection:
        """Connects to the bus at `address` and takes `name` as soon as it is free.

        Raises whatever dbus-fast does where that fails.
        """
        bus = QueueingBus(address)
        await bus.connect()
        try:
            connection = cls(bus, handle, library, watcher, workers, supervisor)
            await bus.request_name(name)
        except BaseException:
            bus.disconnect()
            raise
        return connection

    async def lost(self) -> None:
        """Waits until the connection has ended."""
        with suppress(Exception):  # dbus-fast raises what ended it
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    async def tell_changes(self) -> None:
        """Sends the signal that something has changed, and tells when a long reading has ended."""
        try:
            status = await BusRequest(self._handle, StatusRequest()).run()
        except RequestError:  # the library fails, of which whoever searches is told
            return
        self._csearch.changed(status)
        ended = self._readings.has_ended(status["pending"], status["state"])
        if ended and (self._telling is None or self._telling.done()):
            # A window that is started for it takes its time; others wait for signals meanwhile.
            self._telling = asyncio.create_task(self._opening.tell_of_reading(status["images"]))

    def leave(self) -> None:
        self._objects.close()
        if self._telling:
            self._telling.cancel()
        for maker in self._makers:
            maker.stop()
        if self._bus.connected:
            self._bus.disconnect()
