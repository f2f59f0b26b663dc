"""Saved searches in the search window: saved with a button, listed beside the pictures."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.bus import on_bus
from support.desktop import Desktop, needs
from support.photos import write_photos
from support.programs import FILE_MANAGER, Programs
from support.search_window import (
    APPLICATION,
    COMMAND,
    FIELD,
    focus,
    narrow,
    press,
    query,
    search_window,
    see,
    shown,
)
from support.user import wait_for

pytestmark = needs()

MENU = "Actions for "


@pytest.fixture
def shelf(screen: Desktop) -> Iterator[Desktop]:
    """A desktop on which nothing is saved, before or after."""
    yield screen
    for search in saved(screen):
        screen.user.csearchctl("saved", "remove", search["name"])


@pytest.fixture
def window(shelf: Desktop) -> Iterator[Desktop]:
    with search_window(shelf, *COMMAND):
        yield shelf


def saved(screen: Desktop) -> list[dict[str, Any]]:
    output = screen.user.csearchctl("saved", "list", "--json").stdout
    return [json.loads(line) for line in output.splitlines()]


def save(screen: Desktop, name: str, *arguments: object) -> None:
    screen.user.csearchctl("saved", "add", name, *arguments)


def description(screen: Desktop, name: str) -> str:
    """What assistive technology is told of what is called that, beside its name."""
    return dict(screen.accessible("described", APPLICATION)).get(name, "")


def await_listed(screen: Desktop, *names: str) -> None:
    """Waits until these are the rows."""

    def listed() -> bool:
        tree = screen.accessible("tree", APPLICATION)
        return [name for _, name, _ in tree if name.startswith(MENU)] == [MENU + n for n in names]

    wait_for(listed, f"{names} in the list")


def choose(screen: Desktop, name: str) -> None:
    """Gives the keyboard to a row; the list is shown."""
    screen.keys("key", "ctrl+b")
    wait_for(lambda: MENU + name not in screen.accessible("texts", APPLICATION), "no list")
    screen.keys("key", "ctrl+b")

    def chosen() -> bool:
        if any(f"{one}, ".startswith(f"{name}, ") for one in focused(screen)):
            return True
        screen.keys("key", "Down")
        return False

    wait_for(chosen, name)


def ask_for_name(screen: Desktop) -> None:
    """Begins to save what is asked. A key is lost while another popover is about to vanish."""

    def asked() -> bool:
        screen.keys("key", "ctrl+s")
        return "Name" in focused(screen)

    wait_for(asked, "the question for a name")


def save_in_order(screen: Desktop, name: str, place: str, order: str) -> None:
    """Sorts what is found in a place, and saves the search."""
    screen.keys("key", "ctrl+shift+f")
    press(screen, "Sort")
    press(screen, order)
    screen.wait_for_text(APPLICATION, f"Sort: {order}")
    ask_for_name(screen)
    screen.wait_for_text(APPLICATION, f"{place}\n{order}")
    screen.keys("type", name)
    screen.keys("key", "Return")
    await_listed(screen, name)


def focused(screen: Desktop) -> list[str]:
    found: list[str] = screen.accessible("focused", APPLICATION)
    return found


def asks(screen: Desktop, expected: str) -> None:
    wait_for(lambda: query(screen) == expected, expected)


def test_a_search_is_saved_with_one_button(window: Desktop) -> None:
    window.keys("type", "a cup of coffee")
    see(window, "coffee")
    press(window, "Save Search")
    focus(window, "Name")
    window.keys("key", "Return")
    await_listed(window, "a cup of coffee")
    (only,) = saved(window)
    assert only["name"] == only["query"] == "a cup of coffee"
    assert "scopes" not in only and "sort" not in only
    ask_for_name(window)  # what it is called is taken
    window.keys("type", "a cup of coffee/")
    window.keys("key", "Return")
    window.wait_for_text(APPLICATION, "A saved search can't be called “a cup of coffee/”.")
    window.keys("key", "BackSpace", "Return")
    window.wait_for_text(APPLICATION, "There is a saved search “a cup of coffee” already.")
    press(window, "Replace")
    wait_for(lambda: "Name" not in focused(window), "the end of the question")
    await_listed(window, "a cup of coffee")


def test_place_and_order_are_saved_and_come_back(shelf: Desktop) -> None:
    place = shelf.user.home / "trip"
    write_photos(place, ("cat", "horse"))
    with search_window(shelf, *COMMAND, "--in", str(place), "name:a"):
        see(shelf, "cat")
        save_in_order(shelf, "trips", "trip", "By name")
    (only,) = saved(shelf)
    assert only["scopes"] == [str(place)] and only["sort"] == "name"
    save(shelf, "two", "name:a", "--in", place, "--in", shelf.user.pictures)
    with search_window(shelf, *COMMAND):
        await_listed(shelf, "trips", "two")
        choose(shelf, "trips")
        shelf.keys("key", "Return")
        asks(shelf, "name:a")
        shelf.wait_for_text(APPLICATION, "Where to search: trip")
        wait_for(lambda: len(shown(shelf)) == 1, "the cat")
        focus(shelf, "trips")  # the keyboard stays
        shelf.keys("key", "Down", "Return")
        shelf.wait_for_text(APPLICATION, "Where to search: Pictures and 1 more")
        wait_for(lambda: len(shown(shelf)) > 1, "pictures of both")
        shelf.keys("key", "alt+Left")
        shelf.wait_for_text(APPLICATION, "Where to search: trip")


def test_the_oldest_come_first_again(shelf: Desktop) -> None:
    with search_window(shelf, *COMMAND, "type:jpeg"):
        see(shelf, ".jpg")
        save_in_order(shelf, "old", "Everywhere", "Oldest first")
    (only,) = saved(shelf)
    assert only["sort"] == "date" and only["reverse"] is True
    with search_window(shelf, *COMMAND):
        await_listed(shelf, "old")
        choose(shelf, "old")
        shelf.keys("key", "Return")
        asks(shelf, "type:jpeg")
        shelf.keys("key", "ctrl+shift+f")
        shelf.wait_for_text(APPLICATION, "Sort: Oldest first")


def test_limits_are_kept_and_can_be_taken_away(shelf: Desktop) -> None:
    save(shelf, "few", "type:jpeg", "--top", "2", "--in", shelf.user.pictures)
    save(shelf, "sure", "a cat", "--min-confidence", "strong")
    with search_window(shelf, *COMMAND):
        await_listed(shelf, "few", "sure")
        choose(shelf, "few")
        shelf.keys("key", "Return")
        shelf.wait_for_text(APPLICATION, "At most 2 pictures")
        wait_for(lambda: len(shown(shelf)) == 2, "two pictures")
        ask_for_name(shelf)
        shelf.wait_for_text(APPLICATION, "Pictures\nAt most 2 pictures")
        shelf.keys("type", "two")
        shelf.keys("key", "Return")
        await_listed(shelf, "few", "sure", "two")
        press(shelf, "Search without At most 2 pictures")
        wait_for(lambda: len(shown(shelf)) > 2, "all pictures")
        choose(shelf, "sure")
        shelf.keys("key", "Return")
        shelf.wait_for_text(APPLICATION, "Only what matches well")
        asks(shelf, "a cat")
        wait_for(lambda: shown(shelf) == ["cat.jpg"], "the cat alone")
        assert not any("Less certain" in text for text in shelf.accessible("texts", APPLICATION))
        press(shelf, "Search without Only what matches well")
        shelf.wait_for_text(APPLICATION, "Less certain")
        shelf.keys("key", "alt+Left")
        wait_for(lambda: shown(shelf) == ["cat.jpg"], "the cat alone again")
    tops = {search["name"]: search.get("top") for search in saved(shelf)}
    assert tops == {"few": 2, "sure": None, "two": 2}


def test_an_order_alone_is_about_all_pictures(shelf: Desktop) -> None:
    save(shelf, "latest", "", "--sort", "date", "--in", shelf.user.pictures)
    with search_window(shelf, *COMMAND):
        await_listed(shelf, "latest")
        choose(shelf, "latest")
        shelf.keys("key", "Return")
        wait_for(lambda: len(shown(shelf)) > 3, "pictures")
        shelf.keys("key", "Escape")
        focus(shelf, FIELD)
        shelf.keys("key", "Escape")
        shelf.wait_for_text(APPLICATION, "Describe the picture you remember")
        assert not shown(shelf)


def test_renamed_removed_and_back(shelf: Desktop) -> None:
    save(shelf, "pets", "a cat")
    save(shelf, "sky", "a rocket", "--top", 3)
    with search_window(shelf, *COMMAND):
        await_listed(shelf, "pets", "sky")
        choose(shelf, "sky")
        shelf.keys("key", "F2")
        focus(shelf, "Name")
        shelf.keys("type", "pets")
        shelf.keys("key", "Return")
        shelf.wait_for_text(APPLICATION, "There is a saved search “pets” already.")
        shelf.keys("type", " in space")
        shelf.keys("key", "Return")
        await_listed(shelf, "pets", "pets in space")
        focus(shelf, "pets in space")
        shelf.keys("key", "Delete")
        shelf.wait_for_text(APPLICATION, "Removed the saved search “pets in space”")
        await_listed(shelf, "pets")
        focus(shelf, "pets")
        press(shelf, "Undo")
        await_listed(shelf, "pets", "pets in space")
        assert [search.get("top") for search in saved(shelf)] == [None, 3]
        press(shelf, MENU + "pets")
        press(shelf, "Remove")
        await_listed(shelf, "pets in space")
        shelf.keys("key", "ctrl+z")
        await_listed(shelf, "pets", "pets in space")


def test_it_is_opened_by_a_command(shelf: Desktop) -> None:
    save(shelf, "sky", "a rocket", "--in", shelf.user.pictures)
    command = (sys.executable, "-P", "-m", "csearch.search", "--window")
    with search_window(shelf, *command, "--saved", "sky"):
        asks(shelf, "a rocket")
    for arguments, expected in (
        (("--saved", "see"), b"there is no saved search see; csearchctl saved list lists them"),
        (("--saved", "sky", "--in", "."), b"leave --in out"),
    ):
        assert expected in shelf.user.csearch("--window", *arguments, check=2).stderr


def test_bookmarks_follow(shelf: Desktop) -> None:
    bookmarks = shelf.user.config.parents[1] / "gtk-3.0" / "bookmarks"
    bookmarks.parent.mkdir(exist_ok=True)
    save(shelf, "sky", "a rocket")
    shelf.user.csearchctl("saved", "bookmark", "sky")
    with search_window(shelf, *COMMAND):
        await_listed(shelf, "sky")
        choose(shelf, "sky")
        shelf.keys("key", "F2")
        focus(shelf, "Name")
        shelf.keys("type", "space")
        shelf.keys("key", "Return")
        new = f"file://{shelf.user.data / 'saved' / 'space'} space\n"
        wait_for(lambda: bookmarks.read_text() == new, "the new bookmark")
        await_listed(shelf, "space")
        focus(shelf, "space")
        shelf.keys("key", "Delete")
        press(shelf, "Undo")
        await_listed(shelf, "space")
        choose(shelf, "space")
        assert bookmarks.read_text() == new, "it went only with the way back"
        shelf.keys("key", "Delete")
        wait_for(lambda: not bookmarks.read_text(), "no bookmark")


def test_the_folder_is_opened(shelf: Desktop) -> None:
    save(shelf, "pets", "a cat")

    async def asked() -> list[Any]:
        async with Programs(shelf.bus, FILE_MANAGER) as programs:
            await asyncio.to_thread(press, shelf, MENU + "pets")
            await asyncio.to_thread(press, shelf, "Open Folder")
            await asyncio.to_thread(wait_for, lambda: programs.told, "the file manager")
            return programs.told

    with search_window(shelf, *COMMAND):
        told = shelf.bus.run(asked())
    folder = shelf.user.data / "saved" / "pets"
    assert folder.is_dir() and told == [("ShowFolders", [[folder.as_uri()], ""])]


def test_pictures_are_saved_and_come_back(window: Desktop) -> None:
    window.keys("type", "a cup of coffee")
    see(window, "coffee")
    window.keys("key", "Down")
    focus(window, "coffee")
    window.keys("key", "ctrl+d")
    window.wait_for_text(APPLICATION, "Search without coffee.jpg")
    window.keys("key", "ctrl+f")
    window.keys("type", "orientation:landscape")
    asks(window, "orientation:landscape")
    ask_for_name(window)
    window.keys("type", "like it")
    window.keys("key", "Return")
    await_listed(window, "like it")
    coffee = window.user.pictures / "coffee.jpg"
    (only,) = saved(window)
    assert only["query"] == f"orientation:landscape + {coffee}"
    assert [one["path"] for one in only["pictures"]] == [str(coffee)]
    window.keys("key", "ctrl+f", "Escape")
    asks(window, "")
    choose(window, "like it")
    window.keys("key", "Return")
    asks(window, "orientation:landscape")
    window.wait_for_text(APPLICATION, "Search without coffee.jpg")


def test_what_cannot_be_understood_is_said(shelf: Desktop) -> None:
    save(shelf, "old", "a cat")
    shelf.user.csearchctl("stop")
    with sqlite3.connect(shelf.user.data / "library.sqlite") as database:
        database.execute("UPDATE saved_searches SET query = 'on:nonsense'")
    database.close()
    shelf.user.csearchctl("start")
    wait_for(lambda: on_bus(shelf.bus), "the service on the bus")
    with search_window(shelf, *COMMAND):
        await_listed(shelf, "old")
        wait_for(lambda: "nonsense" in description(shelf, "old"), "what is wrong with it")
        choose(shelf, "old")
        shelf.keys("key", "Return")
        asks(shelf, "on:nonsense")
        shelf.wait_for_text(APPLICATION, "on: ")


def test_names_are_offered_while_one_types(shelf: Desktop) -> None:
    save(shelf, "Pets of ours", "a cat", "--in", shelf.user.pictures)
    with search_window(shelf, *COMMAND):
        await_listed(shelf, "Pets of ours")
        shelf.keys("type", "pets")
        shelf.wait_for_text(APPLICATION, "saved search")
        shelf.keys("key", "Down", "Return")
        asks(shelf, "a cat")
        shelf.wait_for_text(APPLICATION, "Where to search: Pictures")


def test_news_from_elsewhere_are_shown(window: Desktop) -> None:
    window.keys("key", "ctrl+b")
    window.wait_for_text(APPLICATION, "Searches that you save are listed here.")
    save(window, "\u202epets", "type:jpeg", "--in", window.user.pictures)
    await_listed(window, "\u202epets")
    count = len(list(window.user.pictures.glob("*.jpg")))
    window.wait_for_text(APPLICATION, f"\u202epets, {count}")
    picture = Path(window.user.pictures / "another one.jpg")
    picture.write_bytes((window.user.pictures / "cat.jpg").read_bytes())
    try:
        window.wait_for_text(APPLICATION, f"\u202epets, {count + 1}")
    finally:
        picture.unlink()
    window.user.csearchctl("saved", "remove", "\u202epets")
    await_listed(window)


def test_in_a_narrow_window_the_list_makes_room(shelf: Desktop) -> None:
    save(shelf, "pets", "a cat")
    with search_window(shelf, *COMMAND, "a cup of coffee") as window:
        see(shelf, "coffee")
        await_listed(shelf, "pets")
        narrow(shelf, window, 500)
        await_listed(shelf)
        narrow(shelf, window, 360)
        shelf.keys("key", "ctrl+b")
        await_listed(shelf, "pets")
        focus(shelf, "pets")
        assert not shown(shelf)
        shelf.keys("key", "Return")
        await_listed(shelf)
        asks(shelf, "a cat")
        see(shelf, "cat")
        focus(shelf, FIELD)
        shelf.keys("key", "ctrl+b")
        await_listed(shelf, "pets")
        shelf.keys("type", "a rocket")  # goes to the field
        see(shelf, "rocket")
        await_listed(shelf)
        shelf.keys("windowsize", window, "900", "600")
        await_listed(shelf, "pets")
