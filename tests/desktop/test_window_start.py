"""What the window shows before anything is asked, from the first run on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bus import on_bus
from support.desktop import DESKTOP_PYTHON, Desktop, needs
from support.photos import write_drawn, write_photos
from support.search_window import (
    APPLICATION,
    COMMAND,
    PROGRAM,
    press,
    search_window,
    toggle,
    type_folder,
)
from support.user import User, wait_for

pytestmark = needs()


@pytest.fixture
def newcomer(user: User) -> Iterator[Desktop]:
    """A screen of somebody whose service knows nothing yet."""
    made = Desktop(user)
    try:
        made.start()
        user.start()
        wait_for(lambda: on_bus(made.bus), "the service on the bus")
        yield made
    finally:
        made.stop()


def roots(user: User) -> list[str]:
    return [root["path"] for root in user.status()["roots"]]


def test_the_first_run_watches_what_is_ticked(newcomer: Desktop) -> None:
    user = newcomer.user
    write_photos(user.pictures, ("cat", "rocket"))
    write_photos(user.home / "Downloads", ("coffee",))
    (user.home / "Phone").mkdir()
    with search_window(newcomer, *COMMAND):
        newcomer.wait_for_text(APPLICATION, "Where Are Your Pictures?")
        newcomer.wait_for_text(APPLICATION, "Pictures, 2 pictures")
        newcomer.wait_for_text(APPLICATION, "Downloads, 1 picture")
        told = newcomer.wait_for_text(APPLICATION, "Phone, 0 pictures")
        assert not any("csearchctl" in text for text in told)
        newcomer.wait_for_text(APPLICATION, "Get the better model")
        toggle(newcomer, "Downloads, 1 picture")  # beside Pictures, which is ticked already
        press(newcomer, "Start")
        newcomer.wait_for_text(APPLICATION, "Describe the picture you remember")
        both = [str(user.home / "Downloads"), str(user.pictures)]
        wait_for(lambda: sorted(roots(user)) == both, "both as roots")
        newcomer.wait_for_text(APPLICATION, "Recently added")
        write_photos(user.pictures, ("moon",))  # comes later
        newcomer.keys("type", "name:moon")
        newcomer.wait_for_text(APPLICATION, "moon.jpg")
        newcomer.keys("key", "Escape")
        told = newcomer.wait_for_text(APPLICATION, "Describe the picture you remember")
        assert "No pictures are known yet" not in told


def test_a_folder_that_is_chosen_is_watched(newcomer: Desktop) -> None:
    """Once something is known, as well, and without a search."""
    user = newcomer.user
    user.pictures.rmdir()
    with search_window(newcomer, *COMMAND):
        newcomer.wait_for_text(APPLICATION, "Where Are Your Pictures?")
        press(newcomer, "Add Another Folder…")
        folder = user.home / "mine"
        write_photos(folder, ("cat",))
        type_folder(newcomer, "Add a Folder of Pictures", folder, "Add")
        newcomer.wait_for_text(APPLICATION, "mine, 1 picture")
        press(newcomer, "Start")
        wait_for(lambda: roots(user) == [str(folder)], "the root")


def test_the_window_learns_of_folders_that_others_add(newcomer: Desktop) -> None:
    with search_window(newcomer, *COMMAND):
        newcomer.wait_for_text(APPLICATION, "Where Are Your Pictures?")
        newcomer.user.csearchctl("add", newcomer.user.pictures)
        newcomer.wait_for_text(APPLICATION, "There are no pictures in your folders yet")
        write_photos(newcomer.user.pictures, ("cat",))
        newcomer.wait_for_text(APPLICATION, "Describe the picture you remember")


def test_where_to_begin(screen: Desktop) -> None:
    user = screen.user
    user.csearch("-g", "a cup of coffee")
    with search_window(screen, *COMMAND):
        screen.wait_for_text(APPLICATION, "Recent searches")
        screen.wait_for_text(APPLICATION, "Recently added")
        press(screen, "a cup of coffee")
        screen.wait_for_text(APPLICATION, " match")
        screen.wait_for_text(APPLICATION, "coffee.jpg")


def test_a_folder_that_is_searched_can_be_watched(screen: Desktop) -> None:
    folder = screen.user.home / "elsewhere"
    write_photos(folder, ("cat",))
    with search_window(screen, *COMMAND, "--in", str(folder)):
        press(screen, "Watch This Folder")
        wait_for(lambda: str(folder) in roots(screen.user), "the root")
    screen.user.csearchctl("remove", folder)


def test_reading_is_paused_and_resumed_by_buttons(screen: Desktop) -> None:
    user = screen.user
    user.csearchctl("pause")
    new = write_drawn(user.pictures, 20)
    try:
        wait_for(lambda: user.status()["pending"] == 20, "the new pictures")
        with search_window(screen, *COMMAND):
            screen.wait_for_text(
                APPLICATION, "Reading is paused. 20 pictures are still to be looked at."
            )
            press(screen, "Resume")
            user.settle()
            gone = "pictures are still to be looked at"
            wait_for(lambda: gone not in str(screen.accessible("texts", APPLICATION)), "no bar")
            user.csearchctl("pause")
            more = write_drawn(user.pictures, 3, first=20)
            new += more
            wait_for(lambda: user.status()["pending"] == 3, "more pictures")
            screen.keys("type", "name:drawn-00022")
            told = screen.wait_for_text(APPLICATION, "Reading is paused")
            assert not any("csearchctl" in text for text in told)
            press(screen, "Resume")
            screen.wait_for_text(APPLICATION, more[-1].name)
    finally:
        user.csearchctl("resume")
        for path in new:
            path.unlink()


def test_without_a_service_there_is_a_button(screen: Desktop) -> None:
    screen.user.csearchctl("stop")
    try:
        with search_window(screen, *COMMAND):
            told = screen.wait_for_text(APPLICATION, "The search service does not answer")
            assert not any("csearchctl" in text for text in told)
            press(screen, "Try Again")
            screen.user.start()
            screen.wait_for_text(APPLICATION, "Describe the picture you remember")
    finally:
        screen.user.start(wait=False)


def test_where_pictures_may_be(tmp_path: Path) -> None:
    """Other disks, and cameras on them; links are not followed."""
    media, home = tmp_path / "media", tmp_path / "home"
    write_drawn(media / "card" / "DCIM" / "100", 3)
    write_drawn(media / "me" / "disk", 2)
    (media / "me" / "disk" / "again").symlink_to(media / "card")
    (home / "Camera Uploads").mkdir(parents=True)
    (home / ".camera").mkdir()
    code = (
        "import os, sys, start.folders as folders\n"
        "home, media = map(os.fsencode, sys.argv[1:])\n"
        "found = folders.candidates(home, [home, home + b'/Pictures'], b'me', [media])\n"
        "for path in found: print(os.fsdecode(path), *folders.count(path))"
    )
    command = [DESKTOP_PYTHON, "-c", code, str(home), str(media)]
    done = subprocess.run(command, cwd=PROGRAM, capture_output=True, text=True, check=True)
    assert sorted(done.stdout.splitlines()) == sorted(
        [
            f"{home / 'Camera Uploads'} 0 True",
            f"{media / 'card' / 'DCIM'} 3 True",
            f"{media / 'me' / 'disk'} 2 True",
        ]
    )
