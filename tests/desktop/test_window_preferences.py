"""The main menu: preferences, shortcuts, help, about."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator

import pytest

from support.bus import OWN
from support.desktop import DESKTOP_PYTHON, Desktop, needs
from support.photos import write_photos
from support.search_window import APPLICATION, COMMAND, PROGRAM, press, search_window, toggle
from support.user import wait_for

pytestmark = needs()


@pytest.fixture
def window(screen: Desktop) -> Iterator[Desktop]:
    with search_window(screen, *COMMAND):
        screen.wait_for_text(APPLICATION, "Describe the picture you remember")
        yield screen


def test_folders_are_listed_and_removed(window: Desktop) -> None:
    user = window.user
    folder = user.home / "other"
    write_photos(folder, ("cat",))
    user.csearchctl("add", folder)
    window.keys("key", "ctrl+comma")
    wait_for(lambda: "Preferences" in window.titles(), "the preferences")
    window.wait_for_text(APPLICATION, "~/other")
    press(window, "Stop watching ~/other")
    wait_for(lambda: str(folder) not in str(user.status()["roots"]), "one root less")
    wait_for(lambda: "~/other" not in window.accessible("texts", APPLICATION), "one row less")
    window.keys("key", "Escape")
    wait_for(lambda: "Preferences" not in window.titles(), "their end")


def test_a_setting_takes_effect_and_the_rest_of_the_file_stays(window: Desktop) -> None:
    user = window.user
    before = user.config.read_text()
    user.config.write_text(f"# mine\n{before}\n[encode]  # how\nthreads = 2 # few\n")
    try:
        window.keys("key", "ctrl+comma")
        toggle(window, "Read on battery")
        wait_for(lambda: reads_on_battery(window), "the change")
        text = user.config.read_text()
        assert text.startswith("# mine\n") and "threads = 2 # few\n" in text
        assert tomllib.loads(text)["encode"] == {"threads": 2, "on_battery": True}
        toggle(window, "Read on battery")
        wait_for(lambda: not reads_on_battery(window), "the change")
        user.config.write_text("encode = 1\n")  # by another program, and wrong
        toggle(window, "Read on battery")
        window.wait_for_text(APPLICATION, "can only be changed by hand")
        assert user.config.read_text() == "encode = 1\n"
    finally:
        user.config.write_text(before)
        user.csearchctl("reload")


def reads_on_battery(screen: Desktop) -> bool:
    told = screen.bus.call(OWN, "Settings")[0]
    return bool(told["settings"].value["encode"].value["on_battery"].value)


def test_past_searches_are_cleared(window: Desktop) -> None:
    window.user.csearch("-g", "a cup of coffee")
    window.keys("key", "ctrl+comma")
    press(window, "Clear past searches")
    history = window.user.csearchctl
    wait_for(lambda: b"coffee" not in history("history").stdout, "an empty history")


def test_the_menu_leads_to_help_shortcuts_and_about(window: Desktop) -> None:
    window.keys("key", "F10")
    window.wait_for_text(APPLICATION, "About Picture Search")
    window.keys("key", "Escape")
    window.keys("key", "F1")
    wait_for(lambda: "Help" in window.titles(), "help")
    window.wait_for_text(APPLICATION, "two parrots on a branch\n")
    window.keys("key", "Escape")
    wait_for(lambda: "Help" not in window.titles(), "its end")
    window.keys("key", "ctrl+question")
    window.wait_for_text(APPLICATION, "Search below a folder")
    window.keys("key", "Escape")
    gone = "Search below a folder"
    wait_for(lambda: gone not in window.accessible("texts", APPLICATION), "their end")
    press(window, "Main Menu")
    press(window, "About Picture Search")
    window.wait_for_text(APPLICATION, window.user.status()["version"])


def test_a_model_that_cannot_be_fetched_says_why(screen: Desktop) -> None:
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    with search_window(screen, *COMMAND, **nowhere):
        screen.keys("key", "ctrl+comma")
        press(screen, "Get It")
        screen.wait_for_text(APPLICATION, "The better model could not be installed: ")
        press(screen, "Get It")  # it is offered again
        screen.keys("key", "Escape")


CHANGES = [
    ("", "[text]\nenabled = false\n"),
    ("[log]\n", "[log]\n\n[text]\nenabled = false\n"),
    ("[text]\nenabled = true # yes\n", "[text]\nenabled = false # yes\n"),
    ("[text]\r\nenabled=true\r\n", "[text]\r\nenabled=false\r\n"),
    ("[ text ] # x\n[log]", "[ text ] # x\nenabled = false\n[log]"),
    (
        "[encode]\nthreads = 1",
        "[encode]\nthreads = 1\n\n[text]\nenabled = false\n",
    ),
    ("text.enabled = true\n", None),
    ("text = { enabled = true }\n", None),
    ("not TOML", None),
]


@pytest.mark.parametrize(("text", "expected"), CHANGES)
def test_one_value_is_changed(text: str, expected: str | None) -> None:
    code = (
        "import sys\nfrom preferences import configuration as c\n"
        "try: print(c.changed(sys.argv[1], 'text', 'enabled', False), end='')\n"
        "except c.Unchangeable: sys.exit(3)"
    )
    command = [DESKTOP_PYTHON, "-c", code, text]
    done = subprocess.run(command, cwd=PROGRAM, capture_output=True)
    if expected is None:
        assert done.returncode == 3, done
    else:
        assert done.stdout.decode() == expected
