"""What a search window that was closed leaves behind in the process, which may have others."""

from __future__ import annotations

from pathlib import Path

import pytest
from dbus_fast import Variant
from PIL import Image

from support.desktop import Desktop, needs
from support.photos import write_drawn
from support.search_window import APPLICATION, COMMAND, search_window
from support.user import wait_for

pytestmark = needs()

MOST = 1_500_000  # bytes of a window that was closed: one that stays takes more than twice that
TOLD = "40 pictures of"


@pytest.mark.parametrize("at", ["field", "picture"])  # where the keyboard is
def test_closed_windows_are_freed(screen: Desktop, at: str) -> None:
    keys = {"field": ["ctrl+w"], "picture": ["Down", "ctrl+w"]}[at]
    folder = screen.user.home / "many"
    for path in write_drawn(folder, 40):
        with Image.open(path) as image:
            image.resize((1200, 900)).save(path)
    screen.user.csearchctl("add", folder)
    screen.user.settle()
    with search_window(screen, *COMMAND, "name:drawn-*") as window:
        process = int(screen.keys("getwindowpid", window))
        see(screen, 1)
        screen.keys("key", "ctrl+plus", "ctrl+plus")  # in the windows that follow, too
        for _again in range(2):
            open_and_close(screen, keys)
        before = resident(process)
        for _again in range(4):
            open_and_close(screen, keys)
        wait_for(lambda: (resident(process) - before) / 4 < MOST, "the memory of closed windows")


def open_and_close(screen: Desktop, keys: list[str]) -> None:
    search = ("search", [Variant("s", "name:drawn-*")], {})
    at = ("/org/csearch/Window", "org.freedesktop.Application")
    screen.bus.call(at, "ActivateAction", "sava{sv}", *search, destination=APPLICATION)
    see(screen, 2)
    screen.keys("key", *keys)
    see(screen, 1)


def see(screen: Desktop, windows: int) -> None:
    """Waits until so many windows tell how many pictures match, of which one has the keyboard."""

    def there() -> bool:
        tree = screen.accessible("tree", APPLICATION)
        told = [role for role, name, text in tree if role == "status bar" and TOLD in name + text]
        return len(told) == windows and bool(screen.accessible("focused", APPLICATION))

    wait_for(there, f"{windows} windows")


def resident(process: int) -> int:
    """Bytes."""
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * 4096
