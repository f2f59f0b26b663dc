"""Jumping to a month in the search window."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from support.desktop import Desktop, needs
from support.photos import drawn
from support.search_window import APPLICATION, COMMAND, focus, search_window, shown
from support.user import wait_for

pytestmark = needs()

_NAME = "Jump to a month"
_PER_MONTH = 10


@pytest.fixture(scope="module")
def years(screen: Desktop) -> Path:
    """A folder with ten pictures of each of twelve months in two years."""
    folder = screen.user.home / "years"
    folder.mkdir()
    for number in range(12 * _PER_MONTH):
        month = number // _PER_MONTH
        exif = Image.Exif()
        taken = f"{2020 + month // 6}:{month % 6 + 1:02}:{number % _PER_MONTH + 1:02} 12:00:00"
        exif.get_ifd(0x8769)[0x9003] = taken
        image = Image.open(io.BytesIO(drawn(number)))
        image.save(folder / f"{number:03}.jpg", exif=exif)
    screen.user.search("anything", "--in", folder)
    return folder


def test_the_keyboard_jumps_to_months(screen: Desktop, years: Path) -> None:
    newest, oldest = "119.jpg", "000.jpg"

    def sees(name: str) -> bool:
        return any(name in one for one in shown(screen))

    with search_window(screen, *COMMAND, "--in", str(years), "type:jpeg"):
        wait_for(lambda: sees(newest) and not sees(oldest), "the newest")
        wait_for(lambda: _NAME in str(screen.accessible("tree", APPLICATION)), "the scale")
        screen.keys("key", "Down")
        focus(screen, newest)
        screen.keys("key", "Tab")
        focus(screen, _NAME)
        screen.keys("key", "End")
        wait_for(lambda: sees(oldest) and not sees("060.jpg"), "the oldest")
        screen.keys("key", "Home", "Down", "Down", "Down")  # from June to March 2021
        wait_for(lambda: sees("089.jpg") and not sees(oldest), "the fourth month")
        screen.keys("key", "Tab")
        wait_for(lambda: _NAME not in str(screen.accessible("focused", APPLICATION)), "the next")


def test_what_is_in_no_order_has_no_scale(screen: Desktop, years: Path) -> None:
    with search_window(screen, *COMMAND, "--in", str(years), "sunset"):
        wait_for(lambda: shown(screen), "the pictures")
        told = screen.accessible("tree", APPLICATION)
        assert _NAME not in str([name for role, name, _text in told if role == "slider"])
