"""Makes the screenshots of README: real programs on a screen of their own.

    PYTHONPATH=tests python integrations/screenshots.py

Needs what tests/desktop needs, and xcompmgr. The photos are scikit-image's own.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import skimage.data
from PIL import Image

from support import releases
from support.bus import on_bus
from support.desktop import DESKTOP_PYTHON, Desktop
from support.search_window import APPLICATION, press
from support.user import User, wait_for

HERE = Path(__file__).parent
TARGET = HERE / "screenshots"
_SETTINGS = """\
[org/gnome/nautilus/preferences]
default-folder-viewer='list-view'

[org/gnome/nautilus/list-view]
default-visible-columns=['name', 'Csearch::tags']
default-column-order=['name', 'Csearch::tags']
"""
_TAGS = {
    "coffee": "coffee, breakfast",
    "chelsea": "Chelsea, cat",
    "rocket": "launch, night",
    "astronaut": "portrait, NASA",
    "coins": "Pompeii, coins",
}
_LEFT_OUT = (
    "chessboard_GRAY", "chessboard_RGB", "phantom", "color", "cell", "logo", "clock_motion", "ihc",
    "retina", "microaneurysms", "text", "motorcycle_right", "grass", "gravel",
)  # fmt: skip
_SHOWN = 3.0  # seconds for thumbnails and fonts
_COLOURS = 256


def photos(directory: Path) -> None:
    """What comes inside scikit-image."""
    for file in sorted(Path(skimage.data.__file__).parent.iterdir()):
        if file.suffix in (".png", ".jpg") and file.stem not in _LEFT_OUT:
            image = Image.open(file).convert("RGB")
            path = directory / f"{file.stem}.jpg"
            image.save(path, quality=92)
            if tags := _TAGS.get(file.stem):
                os.setxattr(path, "user.xdg.tags", tags.replace(", ", ",").encode())


def take(desktop: Desktop, name: str, window: str, more: int = 0) -> None:
    """The window on the screen, and so much below it, as a small PNG."""
    time.sleep(_SHOWN)
    desktop.keys("mousemove", "5", "5")
    told = desktop.keys("getwindowgeometry", "--shell", window)
    place = dict(line.split("=") for line in shlex.split(told))
    x, y, width, height = (int(place[key]) for key in ("X", "Y", "WIDTH", "HEIGHT"))
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "screen.png"
        desktop.picture(file)
        shot = Image.open(file).convert("RGB").crop((x, y, x + width, y + height + more))
    small = shot.quantize(_COLOURS, dither=Image.Dither.FLOYDSTEINBERG)
    small.save(TARGET / f"{name}.png", optimize=True)


@contextmanager
def window(desktop: Desktop, query: str, **environment: str) -> Iterator[str]:
    """The search window, which has the keyboard."""
    process = desktop.run(DESKTOP_PYTHON, "-I", str(HERE / "window"), query, **environment)
    found = desktop.window("Picture Search")
    desktop.keys("windowsize", "--sync", found, "950", "600", "windowmove", found, "60", "40")
    desktop.keys("windowactivate", "--sync", found)
    desktop.wait_for_text(APPLICATION, " match")
    yield found
    desktop.keys("key", "ctrl+q")
    process.wait(30)


def grid(desktop: Desktop) -> None:
    """All results, also those that are less certain."""
    with window(desktop, "a motorcycle") as found:
        words = desktop.wait_for_text(APPLICATION, "Less certain")
        press(desktop, next(word for word in words if word.startswith("Less certain")))
        take(desktop, "window", found)


def lightbox(desktop: Desktop) -> None:
    """A picture and what is known of it, in the dark style."""
    with window(desktop, "a cat", ADW_DEBUG_COLOR_SCHEME="prefer-dark") as found:
        desktop.keys("key", "Down", "space")
        desktop.wait_for_text(APPLICATION, "1 of ")
        desktop.keys("key", "F9")
        take(desktop, "window-dark", found)


def nautilus(desktop: Desktop, picture: Path) -> None:
    process = desktop.run("nautilus", "--select", str(picture))
    found = desktop.window("^Pictures$")
    desktop.keys("windowsize", "--sync", found, "860", "770", "windowmove", found, "60", "30")
    desktop.keys("windowactivate", "--sync", found)
    time.sleep(_SHOWN)
    desktop.keys("key", "shift+F10")
    take(desktop, "nautilus", found, more=5)
    process.terminate()


def krunner(desktop: Desktop, query: str) -> None:
    on_screen = {"QT_QPA_PLATFORM": "xcb", "QT_QUICK_BACKEND": "software"}
    process = desktop.run("krunner", "--daemon", XDG_CURRENT_DESKTOP="KDE", **on_screen)
    call = [str(releases.first(releases.QDBUS)), "org.kde.krunner", "/App"]

    def ask(*arguments: str) -> str:
        command = [*call, *arguments]
        asked = subprocess.run(command, env=desktop.environment, capture_output=True, text=True)
        return asked.stdout

    wait_for(lambda: "query" in ask(), "KRunner on the bus")
    for words in (query[:-1], query):  # a thumbnail may only be ready for the second
        ask("query", words)
        time.sleep(_SHOWN)
    take(desktop, "krunner", desktop.window("krunner", "class"))
    process.terminate()


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="csearch-screenshots-"))
    user = User(home)
    TARGET.mkdir(exist_ok=True)
    desktop = Desktop(user)
    try:
        photos(user.pictures)
        settings = home / ".config" / "glib-2.0" / "settings" / "keyfile"
        settings.parent.mkdir(parents=True)
        settings.write_text(_SETTINGS)
        desktop.start()
        desktop.run("xcompmgr")
        user.csearchctl("add", user.pictures)
        wait_for(lambda: on_bus(desktop.bus), "the service on the bus")
        user.settle()
        user.csearchctl("install", "--all")
        at = ("/org/csearch/Csearch1", "org.csearch.Csearch1")
        desktop.bus.call(at, "TagTexts", "as", [(user.pictures / "coffee.jpg").as_uri()])
        grid(desktop)
        lightbox(desktop)
        nautilus(desktop, user.pictures / "coffee.jpg")
        krunner(desktop, "a motorcycle")
    finally:
        user.end()
        desktop.stop()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
