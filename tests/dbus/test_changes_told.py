"""Changes are told while a search window is started to tell of a reading."""

from __future__ import annotations

import asyncio

from dbus_fast import Message, MessageType

from csearchd.desktop.sending import QueueingBus
from support.bus import Bus, needs_bus, on_bus
from support.faults import start_with
from support.photos import write_photos
from support.user import User, wait_for

pytestmark = needs_bus

# Every change counts as the end of a reading, and a window has an hour to start.
_LONG = """
from csearchd.desktop import opening
from csearchd.indexing import long_readings

long_readings.LongReadings.has_ended = lambda *_: True
opening._SECONDS = 3600.0
"""


def test_a_window_that_does_not_answer_holds_up_no_signals(user: User, bus: Bus) -> None:
    bus.start()
    start_with(user, _LONG)
    wait_for(lambda: on_bus(bus), "the service on the bus")

    async def scenario() -> None:
        window = await QueueingBus(bus.address).connect()
        asked, later = asyncio.Event(), asyncio.Event()

        def handle(message: Message) -> bool:
            if message.member == "ActivateAction":
                asked.set()
            elif message.member == "Changed" and asked.is_set():
                later.set()
            return message.message_type is MessageType.METHOD_CALL

        window.add_message_handler(handle)
        await window.request_name("org.csearch.Window")
        rule = "type='signal',interface='org.csearch.Csearch1',member='Changed'"
        await window.call(
            Message(
                "org.freedesktop.DBus",
                "/org/freedesktop/DBus",
                "org.freedesktop.DBus",
                "AddMatch",
                signature="s",
                body=[rule],
            )
        )
        await _read(user, "cat")
        await asked.wait()
        await _read(user, "moon")
        await later.wait()
        window.disconnect()

    bus.run(scenario())


async def _read(user: User, name: str) -> None:
    write_photos(user.pictures, (name,))
    await asyncio.to_thread(user.csearchctl, "add", user.pictures)
