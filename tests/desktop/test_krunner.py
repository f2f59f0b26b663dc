"""KRunner itself on a screen: it finds our runner by its file, asks it, and shows the pictures."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from support import releases
from support.desktop import Desktop, needs
from support.programs import FILE_MANAGER, PORTAL, Programs
from support.user import SECONDS, wait_for

pytestmark = [
    needs(typelibs={"Gtk": "3.0"}),
    pytest.mark.skipif(
        not (releases.first(["krunner"]) and releases.first(releases.QDBUS)),
        reason=f"needs krunner (plasma-workspace) and {releases.QDBUS_PACKAGES}",
    ),
]

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
ICON = 16 * 16  # pixels that a picture in a row has at least
ATTEMPT = 3.0  # seconds for results to be shown, before other words are tried

Ask = Callable[..., str]


@pytest.fixture(scope="module")
def qdbus(screen: Desktop) -> Iterator[Ask]:
    """Calls KRunner, which runs; some of the pictures have one colour."""
    user = screen.user
    for name, colour in COLOURS.items():
        Image.new("RGB", (640, 400), colour).save(user.pictures / f"plain-{name}.png")
    user.csearchctl("rescan", user.pictures)
    user.settle()
    user.csearchctl("install", "--all")

    def call(*arguments: str) -> str:
        command = [str(releases.first(releases.QDBUS)), "org.kde.krunner", "/App", *arguments]
        done = subprocess.run(
            command, env=screen.environment, capture_output=True, text=True, timeout=SECONDS
        )
        return done.stdout

    software = {"QT_QPA_PLATFORM": "xcb", "QT_QUICK_BACKEND": "software"}
    screen.run("krunner", "--daemon", XDG_CURRENT_DESKTOP="KDE", **software)
    wait_for(lambda: "query" in call(), "KRunner on the bus")
    yield call


def shown(screen: Desktop) -> set[str]:
    """The colours of which a picture is on the screen."""
    file = screen.user.home / "screen.png"
    screen.picture(file)
    with Image.open(file) as image:
        counts = {colour: count for count, colour in image.convert("RGB").getcolors(1 << 24)}
    return {name for name, colour in COLOURS.items() if counts.get(colour, 0) >= ICON}


def look_for(screen: Desktop, qdbus: Ask, words: str, colours: set[str]) -> None:
    """Asks KRunner until it shows pictures of exactly these colours.

    It asks for the same words once; where the machine is so slow that thumbnails are not ready for
    that answer, other words have them.
    """

    def found() -> bool:
        nonlocal words
        words += "."
        qdbus("query", words)
        deadline = time.monotonic() + ATTEMPT
        while time.monotonic() < deadline:
            if shown(screen) == colours:
                return True
        return False

    wait_for(found, f"pictures of {colours} on the screen")


def test_pictures_are_results_with_thumbnails(screen: Desktop, qdbus: Ask) -> None:
    look_for(screen, qdbus, "plain", set(COLOURS))
    assert "Traceback" not in screen.user.log()


def test_other_words_show_other_pictures(screen: Desktop, qdbus: Ask) -> None:
    for name in COLOURS:
        look_for(screen, qdbus, f"name:plain-{name}* plain", {name})


def test_what_is_meant_for_other_runners_shows_no_pictures(screen: Desktop, qdbus: Ask) -> None:
    for words in ("firefox", "settings", "1+1", "terminal", "plai"):
        look_for(screen, qdbus, "name:plain-red* plain", {"red"})
        look_for(screen, qdbus, words, set())


@pytest.mark.parametrize(
    ("key", "name", "program", "told"),
    [
        ("Return", "red", PORTAL, "OpenFile"),
        ("shift+Return", "blue", FILE_MANAGER, "ShowItems"),
    ],
)
def test_enter_opens_and_a_second_action_shows_in_folder(
    screen: Desktop, qdbus: Ask, key: str, name: str, program: str, told: str
) -> None:
    picture = screen.user.pictures / f"plain-{name}.png"

    async def scenario() -> None:
        async with Programs(screen.bus, program) as programs:
            words = f"name:plain-{name}* plain"
            await asyncio.to_thread(look_for, screen, qdbus, words, {name})
            screen.keys("key", key)
            while not programs.told:
                await asyncio.sleep(0.02)
            ((member, values),) = programs.told
            assert member == told
            if program == PORTAL:
                assert programs.read == picture.read_bytes()
            else:
                assert values[0] == [picture.as_uri()]

    screen.bus.run(scenario())
