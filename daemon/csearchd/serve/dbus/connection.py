"""One connection to a bus: the name and the objects on it."""

from __future__ import annotations

import logging
from contextlib import suppress

from csearchd.serve.dbus import krunner, own, shell
from csearchd.serve.dbus.asking import Asking
from csearchd.serve.dbus.krunner import KRunner
from csearchd.serve.dbus.objects import Objects
from csearchd.serve.dbus.opening import Opening
from csearchd.serve.dbus.own import Own
from csearchd.serve.dbus.sending import PatientBus
from csearchd.serve.dbus.shell import Shell
from csearchd.serve.dbus.thumbnailer import Thumbnailer
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
                own.PATH: self._own.object,
                shell.PATH: Shell(handle, opening, in_boxes).object,
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
