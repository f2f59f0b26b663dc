"""The search window goes on while something else doesn't."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from support.desktop import Desktop, needs
from support.photos import write_photos
from support.search_window import APPLICATION, COMMAND, search_window
from support.served import served

pytestmark = needs()


def test_a_disk_that_hangs_holds_nothing_up(screen: Desktop, tmp_path: Path) -> None:
    """Pictures on it are typed and named; other searches are answered meanwhile."""
    write_photos(tmp_path / "source", ("cat",))
    hanging = tmp_path / "mount" / "cat.jpg"
    with served(tmp_path / "source", hanging.parent) as server:
        os.kill(server, signal.SIGSTOP)
        try:
            with search_window(screen, *COMMAND, "--like", str(hanging)):
                screen.wait_for_text(APPLICATION, "that picture doesn't answer")
                screen.keys("type", str(hanging))
                screen.keys("type", " name:none")
                screen.keys("key", "ctrl+a")
                screen.keys("type", "name:coffee")
                screen.wait_for_text(APPLICATION, "coffee.jpg")
                screen.keys("key", "ctrl+a")
                screen.keys("type", str(hanging))
                screen.wait_for_text(APPLICATION, "that picture doesn't answer")
                os.kill(server, signal.SIGCONT)  # it only had to wake up
                screen.wait_for_text(APPLICATION, "Search without cat.jpg")
        finally:
            os.kill(server, signal.SIGCONT)
