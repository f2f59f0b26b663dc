"""The query of the search window: typed from anywhere, and walked back and forward."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.desktop import Desktop, needs
from support.photos import NAMES, write_photos
from support.search_window import (
    APPLICATION,
    COMMAND,
    FIELD,
    clipboard_text,
    focus,
    narrow,
    press,
    query,
    search_window,
    see,
    shown,
    viewer,
)
from support.user import wait_for

pytestmark = needs()


@pytest.fixture
def window(screen: Desktop) -> Iterator[Desktop]:
    with search_window(screen, *COMMAND):
        yield screen


def test_what_is_typed_among_the_pictures_is_a_new_query(window: Desktop) -> None:
    window.keys("type", "a cup of coffee")
    see(window, "coffee")
    window.keys("key", "Down")
    focus(window, "coffee")
    window.keys("key", "BackSpace")
    assert query(window) == "a cup of coffee"
    window.keys("type", "a rocket at night")
    see(window, "rocket")
    wait_for(lambda: query(window) == "a rocket at night", "the words")
    focus(window, FIELD)


def test_back_and_forward_walk_the_searches(window: Desktop) -> None:
    window.keys("type", "a cup of coffee")
    see(window, "coffee")
    window.keys("key", "Down")
    focus(window, "coffee")
    window.keys("key", "ctrl+d")
    window.wait_for_text(APPLICATION, "Search without coffee.jpg")
    wait_for(lambda: len(shown(window)) == len(NAMES) - 1, "others than the picture itself")
    wait_for(lambda: query(window) == "", "an empty field")
    window.keys("key", "alt+Left")
    see(window, "coffee")
    wait_for(lambda: query(window) == "a cup of coffee", "the words")
    without = "Search without coffee.jpg"
    wait_for(lambda: without not in window.accessible("texts", APPLICATION), "the chip's end")
    window.keys("key", "alt+Right")
    window.wait_for_text(APPLICATION, "Search without coffee.jpg")
    press(window, "Back")
    see(window, "coffee")
    window.keys("key", "ctrl+f", "Escape")
    wait_for(lambda: not shown(window), "an empty page")
    # Above what stays: GTK 4.18 complains when what these buttons were pressed on is hidden.
    there = ("mousemove", "--window", window.window("Picture Search"), "400", "24")
    window.keys(*there, "click", "8")
    see(window, "coffee")
    wait_for(lambda: query(window) == "a cup of coffee", "the words")


def test_the_field_keeps_room_in_a_narrow_window(screen: Desktop) -> None:
    with search_window(screen, *COMMAND, "a cup of coffee") as window:
        see(screen, "coffee")
        for width in (500, 360):  # below a certain one the buttons make room
            narrow(screen, window, width)
            wait_for(lambda: field_width(screen) > 180, f"the field at {width}")
        screen.wait_for_text(APPLICATION, "Where to search: Everywhere")
        screen.keys("type", " at noon")  # the field has the keyboard still
        wait_for(lambda: query(screen) == "a cup of coffee at noon", "the words")


def field_width(screen: Desktop) -> int:
    return int(max(width for width, _ in screen.accessible("size", APPLICATION, FIELD)))


def test_the_scope_and_the_state_tell_what_they_are(window: Desktop) -> None:
    window.wait_for_text(APPLICATION, "Where to search: Everywhere")
    window.keys("type", "a cup of coffee")
    see(window, "coffee")
    tree = window.accessible("tree", APPLICATION)
    assert "picture" in next(name + text for role, name, text in tree if role == "status bar")


def test_enter_waits_for_the_answer_to_what_is_typed(window: Desktop, tmp_path: Path) -> None:
    opened = viewer(window, tmp_path)
    window.keys("type", "a cup of coffee")
    see(window, "coffee")
    wait_for(lambda: window.user.status()["state"] == "idle", "rest")
    (service,) = window.user.pids("csearchd")
    os.kill(service, signal.SIGSTOP)
    try:
        window.keys("key", "ctrl+a")
        window.keys("type", "a rocket at night")
        window.keys("key", "Return")
        wait_for(lambda: query(window) == "a rocket at night", "the words")
    finally:
        os.kill(service, signal.SIGCONT)
    wait_for(lambda: opened.exists() and opened.read_text().endswith("\n"), "the viewer")
    assert opened.read_text() == f"{window.user.pictures / 'rocket.jpg'}\n"


def test_editing_keys_are_for_the_text_that_is_typed(screen: Desktop) -> None:
    folder = screen.user.home / "edited"
    write_photos(folder, ("coffee", "rocket"))
    with search_window(screen, *COMMAND, "--in", str(folder), "type:jpeg"):
        wait_for(lambda: len(shown(screen)) == 2, "both")
        screen.keys("key", "Down", "Delete")
        screen.wait_for_text(APPLICATION, "Moved 1 picture to the Trash")
        (left,) = wait_for(lambda: len(found := shown(screen)) == 1 and found, "the other")
        screen.keys("key", "ctrl+f")
        focus(screen, FIELD)
        screen.keys("key", "ctrl+a")
        screen.keys("type", "a boat")
        wait_for(lambda: query(screen) == "a boat", "the words")
        screen.keys("key", "ctrl+a", "ctrl+c")
        wait_for(lambda: clipboard_text(screen) == "a boat", "the words on the clipboard")
        screen.keys("key", "Delete")
        wait_for(lambda: query(screen) == "", "an empty field")
        screen.keys("key", "ctrl+z")
        wait_for(lambda: query(screen) == "a boat", "the words again")
        screen.keys("key", "ctrl+a", "ctrl+x")
        wait_for(lambda: query(screen) == "", "an empty field")
        assert [path.name for path in folder.iterdir()] == [left]
