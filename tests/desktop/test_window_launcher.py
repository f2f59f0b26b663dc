"""What the desktop's launcher offers for the search window beside opening it."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.desktop import DESKTOP_PYTHON, Desktop, needs
from support.search_window import APPLICATION, FIELD
from support.user import wait_for

pytestmark = needs()

# Launches actions of an entry, as desktops do it; like them it stays on the bus, which drops
# calls of those that have left it.
_LAUNCH = """
import sys, gi
from gi.repository import Gio, GLib
entry = Gio.DesktopAppInfo.new_from_filename(sys.argv[1])
bus = Gio.bus_get_sync(Gio.BusType.SESSION)
for action in sys.argv[2:]:
    assert action in entry.list_actions(), entry.list_actions()
    entry.launch_action(action, None)
GLib.MainLoop().run()
"""
_TITLES = {
    "new-search": "Picture Search",
    "add-folder": "Add a Folder of Pictures",
    "preferences": "Preferences",
}


@pytest.fixture(scope="module")
def entry(screen: Desktop) -> Path:
    screen.user.csearchctl("install", "--all")
    return screen.user.home / ".local/share/applications" / f"{APPLICATION}.desktop"


@pytest.fixture
def launched(screen: Desktop, entry: Path) -> Iterator[Desktop]:
    yield screen
    at = ("/org/csearch/Window", "org.freedesktop.Application")
    quit_it = ("quit", [], {})
    screen.bus.call(at, "ActivateAction", "sava{sv}", *quit_it, destination=APPLICATION)
    wait_for(lambda: not screen.accessible("texts", APPLICATION), "the end of the window")


def shown(screen: Desktop, action: str) -> None:
    """Waits until what an action leads to is there."""
    title = _TITLES[action]
    wait_for(lambda: title in screen.titles(), title)


@pytest.mark.skipif(
    shutil.which("desktop-file-validate") is None, reason="needs desktop-file-utils"
)
def test_the_entry_is_valid(entry: Path) -> None:
    done = subprocess.run(["desktop-file-validate", entry], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("action", _TITLES)
def test_an_action_over_the_bus(launched: Desktop, entry: Path, action: str) -> None:
    launched.run(DESKTOP_PYTHON, "-c", _LAUNCH, str(entry), action)
    shown(launched, action)


@pytest.mark.parametrize("action", _TITLES)
def test_the_command_of_an_action(launched: Desktop, entry: Path, action: str) -> None:
    """For desktops that start programs themselves."""
    read = configparser.ConfigParser(interpolation=None)
    read.read(entry, encoding="utf-8")
    launched.run(*shlex.split(read[f"Desktop Action {action}"]["Exec"]))
    shown(launched, action)


def test_the_window_that_is_there_is_used(launched: Desktop, entry: Path) -> None:
    launched.run(DESKTOP_PYTHON, "-c", _LAUNCH, str(entry), "new-search")
    wait_for(lambda: FIELD in str(launched.accessible("tree", APPLICATION)), "the window")
    launched.run(DESKTOP_PYTHON, "-c", _LAUNCH, str(entry), "preferences")
    shown(launched, "preferences")
    assert launched.titles().count("Picture Search") == 1


@pytest.mark.parametrize("action", ["preferences", "add-folder"])
def test_a_dialog_that_is_there_is_used(launched: Desktop, entry: Path, action: str) -> None:
    launched.run(DESKTOP_PYTHON, "-c", _LAUNCH, str(entry), action)
    shown(launched, action)
    launched.run(DESKTOP_PYTHON, "-c", _LAUNCH, str(entry), action, "new-search")
    wait_for(lambda: launched.titles().count("Picture Search") == 2, "another window")
    assert launched.titles().count(_TITLES[action]) == 1
