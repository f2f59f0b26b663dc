"""The end of a long reading is told while the window is closed."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from dbus_fast import Variant

from support.bus import on_bus
from support.desktop import DESKTOP_PYTHON, Desktop, needs
from support.faults import start_with
from support.photos import write_photos
from support.search_window import APPLICATION
from support.user import User, wait_for

pytestmark = needs()

_SERVER = Path(__file__).parents[1] / "support" / "notifications.py"
_EVERY_READING_IS_LONG = """
from csearchd.indexing import long_readings
long_readings.LONG = 0.0
before = long_readings.LongReadings.has_ended

def has_ended(self, pending, state):
    if pending:
        open(FAULT + "-seen", "w").close()
    return before(self, pending, state)

long_readings.LongReadings.has_ended = has_ended
"""
_APPLICATION = ("/org/csearch/Window", "org.freedesktop.Application")


def test_a_long_reading_s_end(user: User) -> None:
    screen = Desktop(user)
    shown = user.home / "shown.jsonl"

    def notifications() -> list[dict[str, Any]]:
        return [json.loads(line) for line in shown.read_text().splitlines()]

    def bodies() -> list[str]:
        return [one["body"] for one in notifications()]

    def act(action: str, *values: Variant) -> None:
        called = action, list(values), {}
        screen.bus.call(
            _APPLICATION, "ActivateAction", "sava{sv}", *called, destination=APPLICATION
        )

    def read(name: str) -> None:
        """Not before the bus has been told that there is something to read: so short a reading
        could pass unnoticed."""
        seen = user.home / "fault-seen"
        user.csearchctl("pause")
        seen.unlink(missing_ok=True)
        write_photos(user.pictures, (name,))
        user.csearchctl("add", user.pictures)
        wait_for(seen.exists, "a picture to be read")
        user.csearchctl("resume")

    shown.touch()
    try:
        screen.start()
        user.csearchctl("install", "--all")
        server = screen.run(DESKTOP_PYTHON, str(_SERVER), str(shown))
        start_with(user, _EVERY_READING_IS_LONG)
        wait_for(lambda: on_bus(screen.bus), "the service on the bus")
        read("cat")
        one = "1 picture can be found by describing it."
        found = "{} pictures can be found by describing them.".format
        wait_for(lambda: bodies()[-1:] == [one], "the notification")
        told = notifications()[-1]
        assert told["summary"] == "Your Pictures Have Been Read" and "default" in told["actions"]

        server.send_signal(signal.SIGUSR1)
        wait_for(lambda: "Picture Search" in screen.titles(), "the window")
        act("reading-ended", Variant("x", 7))  # an open window shows it anyway
        screen.keys("windowactivate", "--sync", screen.window("Picture Search"))
        screen.keys("key", "ctrl+w")
        wait_for(lambda: "Picture Search" not in screen.titles(), "the end of the window")
        read("moon")
        wait_for(lambda: bodies()[-1] == found(2), "the next one")
        assert found(7) not in bodies()
        act("quit")
    finally:
        screen.stop()
