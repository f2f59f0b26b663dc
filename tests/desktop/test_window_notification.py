"""The end of a long reading is told while the window is closed."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

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

    def act(action: str, signature: str = "", *values: object) -> None:
        given = [(signature, *values)] if signature else []
        screen.bus.call(
            _APPLICATION, "ActivateAction", "sava{sv}", action, given, {}, destination=APPLICATION
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
        (told,) = wait_for(notifications, "the notification")
        assert told["summary"] == "Your Pictures Have Been Read"
        assert told["body"] == "2 pictures can be found by describing them."
        assert "default" in told["actions"]

        server.send_signal(signal.SIGUSR1)
        wait_for(lambda: "Picture Search" in screen.titles(), "the window")
        write_photos(user.pictures, ("coffee",))
        screen.keys("type", "name:coffee")
        screen.wait_for_text(APPLICATION, "coffee.jpg")
        user.settle()
        assert len(notifications()) == 1, "an open window shows it anyway"

        screen.keys("windowactivate", "--sync", screen.window("Picture Search"))
        screen.keys("key", "ctrl+w")
        wait_for(lambda: "Picture Search" not in screen.titles(), "the end of the window")
        write_photos(user.pictures, ("moon",))
        wait_for(lambda: len(notifications()) == 2, "the next one")
        assert notifications()[-1]["body"] == "4 pictures can be found by describing them."
        act("quit")
    finally:
        screen.stop()
