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

    shown.touch()
    try:
        screen.start()
        user.csearchctl("install", "--all")
        server = screen.run(DESKTOP_PYTHON, str(_SERVER), str(shown))
        start_with(user, _EVERY_READING_IS_LONG)
        wait_for(lambda: on_bus(screen.bus), "the service on the bus")
        write_photos(user.pictures, ("cat", "rocket"))
        user.csearchctl("add", user.pictures)
        found = "{} pictures can be found by describing them.".format
        wait_for(lambda: bodies()[-1:] == [found(2)], "the notification")
        told = notifications()[-1]
        assert told["summary"] == "Your Pictures Have Been Read" and "default" in told["actions"]

        server.send_signal(signal.SIGUSR1)
        wait_for(lambda: "Picture Search" in screen.titles(), "the window")
        act("reading-ended", Variant("x", 7))  # an open window shows it anyway
        screen.keys("windowactivate", "--sync", screen.window("Picture Search"))
        screen.keys("key", "ctrl+w")
        wait_for(lambda: "Picture Search" not in screen.titles(), "the end of the window")
        write_photos(user.pictures, ("moon",))
        wait_for(lambda: bodies()[-1] == found(3), "the next one")
        assert found(7) not in bodies()
        act("quit")
    finally:
        screen.stop()
