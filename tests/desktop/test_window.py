"""The search window on a screen, typed in and read as assistive technology reads it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.desktop import DESKTOP_PYTHON, Desktop, needs
from support.photos import NAMES, photo, write_drawn, write_photos
from support.programs import FILE_MANAGER, Programs
from support.search_window import APPLICATION, COMMAND, press, search_window, viewer
from support.user import wait_for

pytestmark = needs()

CSEARCH = (sys.executable, "-P", "-m", "csearch.search")


@pytest.fixture
def window(screen: Desktop) -> Iterator[Desktop]:
    """A window, started as `csearch --window` starts it."""
    with search_window(screen, *CSEARCH, "--window"):
        yield screen


def shown(screen: Desktop) -> list[str]:
    """The names of the pictures in the grid, in their order."""
    return [
        name
        for role, name, _ in screen.accessible("tree", APPLICATION)
        if role == "table cell" and name.endswith(".jpg")
    ]


def see(screen: Desktop, first: str) -> list[str]:
    """All that is shown, once `first` is the first."""
    try:
        return wait_for(lambda: (names := shown(screen)) and names[0] == first and names, first)
    except AssertionError:
        print(screen.accessible("texts", APPLICATION))
        raise


def see_all(screen: Desktop) -> list[str]:
    """Asks for all pictures, and returns them in their order, by date."""
    screen.keys("type", "type:jpeg")
    wait_for(lambda: len(shown(screen)) == len(NAMES), "all pictures")
    return shown(screen)


def test_without_a_screen_it_says_so(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("csearch: there is no screen") and done.stderr.count("\n") == 1


def test_the_grid_follows_what_is_typed(window: Desktop) -> None:
    window.wait_for_text(APPLICATION, "Describe the picture you remember")
    window.keys("type", "a cup of coffee")
    see(window, "coffee.jpg")
    window.wait_for_text(APPLICATION, f"of {len(NAMES)} match")
    window.keys("key", "ctrl+a")
    window.keys("type", "a rocket at night")
    see(window, "rocket.jpg")
    window.keys("type", " name:coins")
    assert see(window, "coins.jpg") == ["coins.jpg"]
    window.keys("type", ".none")
    window.wait_for_text(APPLICATION, "No picture matches")


def test_a_mistake_is_said_and_nothing_is_lost(window: Desktop) -> None:
    window.keys("type", "a cup of coffee")
    found = see(window, "coffee.jpg")
    window.keys("type", " colour:red")
    window.wait_for_text(APPLICATION, "filter")
    assert shown(window) == found
    window.wait_for_text(APPLICATION, "The pictures are those that were found before.")
    window.keys("key", "Escape")
    wait_for(lambda: not shown(window), "an empty grid")


def test_enter_opens_and_keys_do_the_rest(window: Desktop, tmp_path: Path) -> None:
    opened = viewer(window, tmp_path)
    first, second = see_all(window)[:2]
    window.keys("key", "Return")
    wait_for(lambda: opened.exists() and opened.read_text().endswith("\n"), "the viewer")
    assert opened.read_text().strip() == str(window.user.pictures / first)
    window.keys("key", "Down", "Right", "Return")
    wait_for(lambda: len(opened.read_text().splitlines()) == 2, "the second picture")
    assert opened.read_text().splitlines()[1].endswith(second)
    window.keys("key", "ctrl+Return")  # there is no file manager that could select it
    wait_for(lambda: len(opened.read_text().splitlines()) == 3, "its folder")
    assert opened.read_text().splitlines()[2] == str(window.user.pictures)
    window.keys("key", "ctrl+c")
    wait_for(lambda: second in clipboard(window), "the file on the clipboard")
    window.keys("key", "ctrl+d")  # similar ones
    window.wait_for_text(APPLICATION, f"Search without {second}")
    wait_for(lambda: second not in (shown(window) or [second]), "others than the picture itself")


@pytest.mark.parametrize(
    ("keys", "method"), [("ctrl+Return", "ShowItems"), ("alt+Return", "ShowItemProperties")]
)
def test_the_file_manager_shows_pictures(window: Desktop, keys: str, method: str) -> None:
    window.keys("type", "a cup of coffee")
    see(window, "coffee.jpg")

    async def asked() -> list[Any]:
        async with Programs(window.bus, FILE_MANAGER) as programs:
            await asyncio.to_thread(window.keys, "key", keys)
            await asyncio.to_thread(wait_for, lambda: programs.told, "the file manager")
            return programs.told

    uri = (window.user.pictures / "coffee.jpg").as_uri()
    assert window.bus.run(asked()) == [(method, [[uri], ""])]


def clipboard(screen: Desktop) -> str:
    code = (
        "import gi; gi.require_version('Gtk', '3.0')\n"
        "from gi.repository import Gtk, Gdk\n"
        "board = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)\n"
        "found = board.wait_for_contents(Gdk.Atom.intern('text/uri-list', False))\n"
        "print(found.get_data().decode() if found else '')"
    )
    command = [DESKTOP_PYTHON, "-c", code]
    done = subprocess.run(command, env=screen.environment, capture_output=True, text=True)
    return done.stdout


def test_a_folder_never_seen_and_pictures_to_search_with(screen: Desktop) -> None:
    folder = screen.user.home / "new \udcff"
    write_photos(folder, ("cat", "rocket"))
    like = write_photos(screen.user.home / "elsewhere", ("cat",))[0]
    arguments = ("--window", "--in", str(folder), "--like", str(like))
    with search_window(screen, *CSEARCH, *arguments):
        assert see(screen, "rocket.jpg") == ["rocket.jpg"], "the same picture is not found"
    shutil.rmtree(folder)  # GTK 4.18's file chooser warns of such a name


def test_thumbnails_are_those_of_the_desktop(window: Desktop) -> None:
    window.keys("type", "a cup of coffee")
    see(window, "coffee.jpg")
    kept = window.user.home / ".cache" / "thumbnails" / "large"
    wait_for(lambda: kept.exists() and len(list(kept.glob("*.png"))) >= len(NAMES), "thumbnails")
    assert kept.stat().st_mode & 0o777 == 0o700
    code = (
        "import sys, gi; gi.require_version('GdkPixbuf', '2.0')\n"
        "from gi.repository import GdkPixbuf\n"
        "for file in sys.argv[1:]:\n"
        "    made = GdkPixbuf.Pixbuf.new_from_file(file)\n"
        "    print(made.get_option('tEXt::Thumb::MTime'), made.get_option('tEXt::Thumb::URI'))"
    )
    files = [str(file) for file in kept.glob("*.png")]
    command = [DESKTOP_PYTHON, "-c", code, *files]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    coffee = window.user.pictures / "coffee.jpg"
    assert f"{int(coffee.stat().st_mtime)} {coffee.as_uri()}" in told
    assert all(os.stat(file).st_mode & 0o777 == 0o600 for file in files)


def test_it_speaks_the_users_language(screen: Desktop) -> None:
    german = {"LANGUAGE": "de", "LC_ALL": "C.UTF-8"}
    with search_window(screen, *COMMAND, title="Bildersuche", **german):
        screen.wait_for_text(APPLICATION, "Beschreiben Sie das Bild")
        screen.keys("type", "near:Lisbom")
        screen.wait_for_text(APPLICATION, "near: ein Ort „Lisbom“ ist nicht bekannt")
    screen.user.csearchctl("pause")
    try:
        with search_window(screen, *COMMAND, "a cat", title="Bildersuche", **german):
            screen.wait_for_text(APPLICATION, "Das Lesen ist angehalten.")
    finally:
        screen.user.csearchctl("resume")


def test_the_keys_lead_everywhere(window: Desktop) -> None:
    first, second = see_all(window)[:2]
    window.keys("key", "Tab")
    wait_for(lambda: focused(window) == first, "the grid")
    window.keys("key", "Right")
    wait_for(lambda: focused(window) == second, "the next one")
    window.keys("key", "Up")  # above is the field
    wait_for(lambda: focused(window) == "Describe a picture", "the field")
    window.keys("key", "Down", "Tab")  # past the other pictures
    wait_for(lambda: focused(window) == "Where to search: Everywhere", "what comes after the grid")
    window.keys("key", "shift+Tab", "Escape")
    wait_for(lambda: focused(window) == "Describe a picture", "the field")
    window.keys("key", "Escape")
    window.wait_for_text(APPLICATION, "Describe the picture you remember")
    assert not shown(window)


def focused(screen: Desktop) -> str:
    names: list[str] = screen.accessible("focused", APPLICATION)
    return names[-1] if names else ""


def test_what_matches_badly_says_so(screen: Desktop, tmp_path: Path) -> None:
    """Asked for by a picture's small twin: whatever the model, that is likelier than the moon."""
    twin = tmp_path / "twin.jpg"
    photo("cat").rotate(3).resize((200, 150)).save(twin)
    lines = screen.user.csearch("--json", "-g", twin).stdout.splitlines()
    levels = {os.path.basename(hit["path"]): hit["confidence"] for hit in map(json.loads, lines)}
    assert levels["cat.jpg"] != "weak" and levels["moon.jpg"] == "weak"
    expected = {name for name, level in levels.items() if level == "weak"}

    def weak() -> set[str]:
        described = screen.accessible("described", APPLICATION)
        return {name for name, text in described if text == "Does not match well"}

    with search_window(screen, *COMMAND, "--like", str(twin)):
        see(screen, "cat.jpg")
        screen.wait_for_text(APPLICATION, f"Less certain ({len(expected)})")
        assert not weak()
        press(screen, f"Less certain ({len(expected)})")
        wait_for(lambda: weak() == expected, "what matches badly")
        assert "No good match" not in str(screen.accessible("texts", APPLICATION))
        screen.keys("key", "ctrl+f")
        screen.keys("type", "name:moon")
        screen.wait_for_text(APPLICATION, "No good match")


def test_an_incomplete_picture_is_marked(screen: Desktop) -> None:
    folder = screen.user.home / "cut off"
    cat, rocket = write_photos(folder, ("cat", "rocket"))
    rocket.write_bytes(rocket.read_bytes()[: rocket.stat().st_size * 7 // 10])

    def marked() -> set[str]:
        described = screen.accessible("described", APPLICATION)
        return {name for name, text in described if "Incomplete: a part" in text}

    with search_window(screen, *CSEARCH, "--window", "--in", str(folder), "type:jpeg"):
        wait_for(lambda: sorted(shown(screen)) == [cat.name, rocket.name], "both")
        wait_for(lambda: marked() == {rocket.name}, "the mark")


def test_the_best_is_in_sight_whatever_was_before(screen: Desktop) -> None:
    """The picture that was the best becomes the last: the grid doesn't follow it there."""
    with search_window(screen, *COMMAND, "a cup of coffee") as window:
        screen.keys("windowsize", "--sync", window, "420", "420")
        see(screen, "coffee.jpg")
        screen.keys("key", "Home")
        screen.keys("type", "--", "- ")
        # GTK 4.12 and later expose only the cells that are in sight.
        wait_for(lambda: shown(screen)[:1] not in ([], ["coffee.jpg"]), "another order")
        assert not any(screen.accessible("scrolled", APPLICATION))
        screen.keys("key", "Down", "Down", "Down", "Down")
        wait_for(lambda: any(screen.accessible("scrolled", APPLICATION)), "what is further down")


def test_what_is_still_to_be_read_is_said_until_it_is(screen: Desktop) -> None:
    user = screen.user
    user.csearchctl("pause")
    new = write_drawn(user.pictures, 3)
    try:
        wait_for(lambda: user.status()["pending"] == 3, "the new pictures")
        with search_window(screen, *COMMAND):
            screen.wait_for_text(APPLICATION, "3 pictures are still to be looked at.")
            screen.keys("type", "name:drawn")
            screen.wait_for_text(APPLICATION, "Reading is paused")
            screen.keys("key", "ctrl+a")
            screen.keys("type", "a cup of coffee")
            screen.wait_for_text(APPLICATION, "3 more are still to be looked at.")
            see(screen, "coffee.jpg")
            screen.keys("key", "ctrl+a")
            screen.keys("type", "name:drawn")
            screen.wait_for_text(APPLICATION, "Reading is paused")
            user.csearchctl("resume")
            wait_for(lambda: len(shown(screen)) == 3, "the new pictures in the grid")
    finally:
        user.csearchctl("resume")
        for path in new:
            path.unlink()


def test_a_mistake_at_the_beginning_is_said_in_the_middle(screen: Desktop) -> None:
    with search_window(screen, *COMMAND, "colour:red"):
        told = screen.wait_for_text(APPLICATION, "There is no filter colour:")
        assert "That cannot be searched for" in told
        assert not [text for text in told if "GDBus" in text]


def test_without_the_service_it_says_so_until_there_is_one(screen: Desktop) -> None:
    screen.user.csearchctl("stop")
    try:
        with search_window(screen, *COMMAND):
            screen.wait_for_text(APPLICATION, "The search service does not answer")
            screen.keys("type", "a cup of coffee")
            screen.wait_for_text(APPLICATION, "The search service does not answer")
            screen.user.start()
            see(screen, "coffee.jpg")
    finally:
        screen.user.start(wait=False)
