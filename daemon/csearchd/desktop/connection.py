"""One connection to a bus: the name and the objects on it."""

from __future__ import annotations

import logging
from contextlib import suppress

from csearchd.desktop import csearch_interface, gnome_shell, krunner
from csearchd.desktop.asking import Asking
from csearchd.desktop.csearch_interface import Own
from csearchd.desktop.gnome_shell import Shell
from csearchd.desktop.krunner import KRunner
from csearchd.desktop.objects import Objects
from csearchd.desktop.opening import Opening
from csearchd.desktop.sending import PatientBus
from csearchd.desktop.thumbnailer import Thumbnailer
from csearchd.serve.request import Handler, RequestError
from csearchd.serve.service import Service

log = logging.getLogger(__name__)


class Joined:
    def __init__(self, bus: PatientBus, service: Service, handle: Handler) -> None:
        self._bus = bus
        self._handle = handle
        opening = Opening(bus, service)
        thumbnailers = Thumbnailer(service), Thumbnailer(service)
        in_boxes, in_windows = self._thumbnailers = thumbnailers
        self._own = Own(handle, in_windows)
        self._objects = Objects(
            bus,
            {
                csearch_interface.PATH: self._own.object,
                gnome_shell.PATH: Shell(handle, opening, in_boxes).object,
                krunner.PATH: KRunner(handle, opening, in_boxes).object,
            },
        )
        self._own.objects = self._objects
        bus.add_message_handler(self._objects.handle)

    @classmethod
    async def join(cls, address: str, name: str, service: Service, handle: Handler) -> Joined:
        """Connects to the bus at `address` and takes `name` as soon as it is free.

        Raises whatever dbus-fast does where that fails.
        """
        bus = PatientBus(address)
        await bus.connect()
        try:
            joined = cls(bus, service, handle)
            await bus.request_name(name)
        except BaseException:
            bus.disconnect()
            raise
        return joined

    async def lost(self) -> None:
        """Returns when the connection has ended."""
        with suppress(Exception):  # dbus-fast raises what ended it
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    async def tell_changes(self) -> None:
        with suppress(RequestError):  # a library in trouble: whoever searches is told
            self._own.changed(await Asking(self._handle, {"op": "status"}).run())

    def leave(self) -> None:
        self._objects.close()
        for thumbnailer in self._thumbnailers:
            thumbnailer.stop()
        if self._bus.connected:
            self._bus.disconnect()
