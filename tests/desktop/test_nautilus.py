"""The extension in a real Nautilus: its menus, its column, its page of properties."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from support import exif
from support.desktop import DESKTOP_PYTHON, Desktop, needs
from support.photos import NAMES, write_drawn, write_photos
from support.user import wait_for

pytestmark = needs("nautilus", typelibs={"Nautilus": "4.0"})

APPLICATION = "org.gnome.Nautilus"
_SETTINGS = """\
[org/gnome/nautilus/preferences]
default-folder-viewer='list-view'

[org/gnome/nautilus/list-view]
default-visible-columns=['name', 'Csearch::tags']
default-column-order=['name', 'Csearch::tags']
"""

SERVICE = ("/org/csearch/Csearch1", "org.csearch.Csearch1")
WINDOW = "org.csearch.Window"


@pytest.fixture(scope="module")
def nautilus(screen: Desktop) -> Iterator[Desktop]:
    """Nautilus with the extension as `csearchctl install` puts it; coffee.jpg is selected."""
    settings = screen.user.home / ".config" / "glib-2.0" / "settings" / "keyfile"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(_SETTINGS)
    screen.user.csearchctl("install", "--all")
    process = screen.run("nautilus", "--select", str(screen.user.pictures / "coffee.jpg"))
    screen.window("^Pictures$")
    screen.wait_for_text(APPLICATION, "“coffee.jpg” selected")
    yield screen
    process.terminate()


def choose(nautilus: Desktop, item: str) -> None:
    """Chooses an item of the menu of what is selected."""
    nautilus.keys("windowactivate", "--sync", nautilus.window("^Pictures$"))
    nautilus.keys("key", "shift+F10")
    wait_for(lambda: nautilus.accessible("press", APPLICATION, item), item)


def close_window(screen: Desktop) -> None:
    screen.keys("windowactivate", "--sync", screen.window("Picture Search"))
    screen.keys("key", "ctrl+q")
    wait_for(lambda: not screen.accessible("texts", WINDOW), "the end of the window")


def words_of(screen: Desktop, name: str) -> str:
    """The tags of a picture as the column shows them."""
    path = bytes(screen.user.pictures / name)
    ((told,),) = screen.bus.call(SERVICE, "Tags", "aaya{sv}", [path], {})
    return ", ".join(word.rpartition("/")[2] for word in told["words"].value)


def test_the_column_has_the_tags(nautilus: Desktop) -> None:
    nautilus.wait_for_text(APPLICATION, "Tags")
    words = [words_of(nautilus, f"{name}.jpg") for name in NAMES]
    assert any(words)
    for text in filter(None, words):
        nautilus.wait_for_text(APPLICATION, text)


def test_a_picture_finds_similar_ones(nautilus: Desktop) -> None:
    choose(nautilus, "Find Similar Images")
    nautilus.wait_for_text(WINDOW, "Search without coffee.jpg")
    nautilus.wait_for_text(WINDOW, "cat.jpg")
    close_window(nautilus)


def test_properties(nautilus: Desktop) -> None:
    nautilus.keys("windowactivate", "--sync", nautilus.window("^Pictures$"))
    nautilus.keys("key", "alt+Return")
    nautilus.wait_for_text(APPLICATION, "Picture Search")

    def shown() -> bool:
        """Whether they are there. From Nautilus 44 on they are behind a row that is opened."""
        if "Can be found by what it shows" in nautilus.accessible("texts", APPLICATION):
            return True
        at_the_row = "Picture Search" in nautilus.accessible("focused", APPLICATION)
        nautilus.keys("key", "Return" if at_the_row else "Tab")
        return False

    wait_for(shown, "what is known of the picture")

    def closed() -> bool:
        nautilus.keys("key", "Escape")
        return not any("Properties" in title for title in nautilus.titles())

    wait_for(closed, "the end of the properties")


# What the page says, told by the real service, in the desktop's Python and in a language.
_TOLD = """
import runpy, sys
from gi.repository import GLib
extension = runpy.run_path(sys.argv[1])
loop, service = GLib.MainLoop(), extension["_service"]
GLib.timeout_add_seconds(60, sys.exit, "in vain")
while not service.is_there:
    GLib.MainContext.default().iteration(True)
def show(told):
    for name, value in extension["_facts"](told):
        print(f"{name}: {value}")
    loop.quit()
service.facts(sys.argv[2].encode(), show)
loop.run()
"""


def test_properties_of_a_photo_in_german(nautilus: Desktop) -> None:
    photo = nautilus.user.home / "Photo" / "d750.jpg"
    photo.parent.mkdir()
    entries = [
        exif.ascii(271, "NIKON CORPORATION"),
        exif.ascii(272, "NIKON D750"),
        exif.ascii(0x9003, "2019:05:17 18:30:00", exif.EXIF),
        exif.short(0x8827, 800, directory=exif.EXIF),
        exif.rational(0x829A, (1, 250), directory=exif.EXIF),
        exif.rational(0x829D, (28, 10), directory=exif.EXIF),
        exif.rational(0x920A, (50, 1), directory=exif.EXIF),
        exif.ascii(0xA434, "24-120mm f/4", exif.EXIF),
        *exif.place([(48, 1), (51, 1), (30, 1)], [(2, 1), (17, 1), (40, 1)]),
    ]
    photo.write_bytes(exif.jpeg(exif.exif(entries)))
    nautilus.user.search("anything", "--in", photo.parent, "--wait")
    extension = nautilus.user.home / ".local/share/nautilus-python/extensions/csearch.py"
    done = subprocess.run(
        [DESKTOP_PYTHON, "-c", _TOLD, extension, photo],
        env={**nautilus.environment, "LC_ALL": "", "LANGUAGE": "de", "LC_TIME": "C.UTF-8"},
        capture_output=True,
        text=True,
    )
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert told["Kamera"] == "NIKON D750", done.stderr
    assert told["Objektiv"] == "24-120mm f/4"
    assert told["Belichtung"] == "1/250 s, f/2.8, 50 mm, ISO 800"
    assert told["Aufgenommen"] == "Fri May 17 18:30:00 2019"
    assert told["Ort"] and told["Suche"] == "Ist nach dem zu finden, was es zeigt"


def test_several_pictures_find_more(nautilus: Desktop) -> None:
    nautilus.keys("windowactivate", "--sync", nautilus.window("^Pictures$"))
    nautilus.keys("key", "Home", "shift+Down")
    nautilus.wait_for_text(APPLICATION, "2 items selected")
    choose(nautilus, "Find Images Like These")
    texts = nautilus.wait_for_text(WINDOW, "rocket.jpg")
    assert "Search without astronaut.jpg" in texts and "Search without cat.jpg" in texts
    close_window(nautilus)


def test_the_background_searches_here(nautilus: Desktop) -> None:
    nautilus.keys("windowactivate", "--sync", nautilus.window("^Pictures$"))
    nautilus.keys("key", "ctrl+a", "ctrl+shift+i")
    choose(nautilus, "Search Images Here…")
    nautilus.wait_for_text(WINDOW, "Finds pictures below Pictures.")
    close_window(nautilus)


def test_a_folder_that_is_closed_at_once_does_no_harm(nautilus: Desktop) -> None:
    """Its first file is in progress then."""
    other = nautilus.user.home / "Closed"
    write_drawn(other, 200)
    for _ in range(3):
        nautilus.run("nautilus", "--new-window", str(other))
        nautilus.keys("windowactivate", "--sync", nautilus.window("^Closed$"))
        nautilus.keys("key", "ctrl+w")
        wait_for(lambda: "Closed" not in nautilus.titles(), "the end of the window")
    written = other / "tagged.jpg"
    shutil.copy(nautilus.user.pictures / "coffee.jpg", written)
    os.setxattr(written, "user.xdg.tags", b"breakfast")
    nautilus.user.csearchctl("rescan", other)
    nautilus.user.search("anything", "--in", other, "--wait")
    nautilus.run("nautilus", "--new-window", "--select", str(written))
    nautilus.wait_for_text(APPLICATION, "breakfast")


# Files are asked for in the desktop's Python, with handles as Nautilus has them.
_ASKED = """
import runpy, sys
import gi
from gi.repository import GLib, Nautilus
completed = []
Nautilus.info_provider_update_complete_invoke = lambda *told: completed.append(told)
tags = runpy.run_path(sys.argv[1])["Tags"]()
class Handle:
    def __init__(self, address):
        self.address = address
    def __repr__(self):
        return f"<Nautilus.OperationHandle object at 0x7f0 (void at 0x{self.address})>"
def ask(address):
    return tags.update_file_info_full("provider", Handle(address), "closure", "file").value_nick
def turn(wanted):
    GLib.timeout_add_seconds(60, sys.exit, "in vain")
    while not wanted():
        GLib.MainContext.default().iteration(True)
print(ask("100000000"), ask("(nil)"), ask("100000000"))
turn(lambda: completed)
print(completed[0][0], completed[0][1], len(completed))
turn(lambda: not tags._timer)
print(ask("100000000"))
tags.cancel_update("provider", None)
turn(lambda: not tags._timer)
print(ask("(nil)"), ask("100000000"), len(completed))
"""


def test_a_folder_is_shown_before_its_files_are_asked_for(nautilus: Desktop) -> None:
    extension = nautilus.user.home / ".local/share/nautilus-python/extensions/csearch.py"
    done = subprocess.run(
        [DESKTOP_PYTHON, "-c", _ASKED, extension],
        env={**nautilus.environment, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split("\n") == [
        "in-progress complete complete",
        "closure provider 1",
        "in-progress",
        "complete complete 1",
        "",
    ], done.stderr


def test_nothing_is_heard_of_a_service_that_is_away(nautilus: Desktop) -> None:
    nautilus.user.csearchctl("stop")
    other = nautilus.user.home / "Other"
    write_photos(other, ("moon",))
    nautilus.run("nautilus", "--new-window", str(other))
    nautilus.window("^Other$")
    nautilus.wait_for_text(APPLICATION, "moon.jpg")
    assert not nautilus.user.pids("csearchd"), "looking into a folder starts nothing"
    log = (nautilus.user.home / "nautilus.log").read_text()
    assert "csearch" not in log and "Traceback" not in log
