"""The search window's grid: stacks, what is less certain, months, sizes, and what has gone."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from test_window import clipboard

from support.desktop import Desktop, needs
from support.photos import photo, write_drawn, write_photos
from support.search_window import APPLICATION, COMMAND, focus, press, search_window
from support.user import wait_for

pytestmark = needs()

_TOP = re.compile(r'string "top"\s+variant\s+uint32 (\d+)')


def tree(screen: Desktop, *roles: str) -> list[str]:
    """The names of all that has one of these roles, in their order."""
    told: list[list[str]] = screen.accessible("tree", APPLICATION)
    return [name for role, name, _ in told if role in roles]


def tiles(screen: Desktop) -> list[str]:
    return tree(screen, "table cell")


def dated(path: Path, name: str, taken: str, place: tuple[float, float] | None = None) -> None:
    """Writes a photo that says when it was taken, and where (degrees north and east)."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = taken
    if place:
        north, east = place
        exif.get_ifd(0x8825).update({1: "N", 2: (north, 0.0, 0.0), 3: "E", 4: (east, 0.0, 0.0)})
    photo(name).save(path, exif=exif)


@pytest.fixture
def folder(screen: Desktop) -> Path:
    """A new folder that only one test uses."""
    number = len(list(screen.user.home.glob("folder *")))
    made: Path = screen.user.home / f"folder {number}"
    made.mkdir()
    return made


def window(screen: Desktop, folder: Path, query: str) -> Any:
    return search_window(screen, *COMMAND, "--in", str(folder), query)


def test_a_stack_opens_to_all_that_are_nearly_the_same(screen: Desktop, folder: Path) -> None:
    for number, size in enumerate(((600, 400), (480, 320), (540, 360))):
        photo("coffee").resize(size).save(folder / f"coffee-{number}.jpg", quality=90)
    write_photos(folder, ("rocket",))
    with window(screen, folder, "type:jpeg"):
        mark = "Show all 3 that are nearly the same"
        wait_for(lambda: mark in tree(screen, "button"), "one tile for the three")
        wait_for(lambda: len(tiles(screen)) == 2, "all that were read")
        press(screen, mark)
        wait_for(lambda: len(tiles(screen)) == 4, "all")
        wait_for(lambda: mark not in tree(screen, "button"), "the end of the mark")


def test_what_is_less_certain_opens_by_keyboard(screen: Desktop, folder: Path) -> None:
    write_photos(folder)
    photo("cat").rotate(3).resize((200, 150)).save(screen.user.home / "twin.jpg")
    with search_window(
        screen, *COMMAND, "--in", str(folder), "--like", str(screen.user.home / "twin.jpg")
    ):
        wait_for(lambda: "cat.jpg" in tiles(screen), "the cat")
        (button,) = wait_for(
            lambda: [one for one in tree(screen, "button") if one.startswith("Less certain")],
            "what is less certain",
        )
        before = len(tiles(screen))
        screen.keys("key", "Down")
        wait_for(lambda: "cat.jpg" in screen.accessible("focused", APPLICATION), "the grid")
        screen.keys("key", "End", "Down", "Return")
        wait_for(lambda: len(tiles(screen)) > before, "the others")
        wait_for(lambda: button not in tree(screen, "button"), "the end of the button")
        wait_for(lambda: "Less certain" in tree(screen, "heading"), "a heading")


def test_months_stand_above_what_is_in_the_order_of_dates(screen: Desktop, folder: Path) -> None:
    dated(folder / "a.jpg", "cat", "2019:05:14 12:00:00")
    dated(folder / "b.jpg", "rocket", "2019:05:02 12:00:00")
    dated(folder / "c.jpg", "coffee", "2021:11:30 12:00:00")
    with window(screen, folder, "type:jpeg"):
        wait_for(
            lambda: (
                tree(screen, "heading", "table cell")
                == [
                    *["November 2021", "c.jpg, 30 November 2021"],
                    *["May 2019", "a.jpg, 14 May 2019", "b.jpg, 2 May 2019"],
                ]
            ),
            "the months",
        )


def test_an_opened_stack_stays_in_the_month_of_its_first(screen: Desktop, folder: Path) -> None:
    """Whatever else is known of when the others were made, and where nothing is."""
    dated(folder / "first.jpg", "coffee", "2021:11:30 12:00:00")
    dated(folder / "cat.jpg", "cat", "2020:06:15 12:00:00")
    dated(folder / "rocket.jpg", "rocket", "2019:01:02 12:00:00")
    dated(folder / "edited.jpg", "coffee", "2019:05:02 12:00:00")
    photo("coffee").resize((480, 320)).save(folder / "sent.jpg", quality=90)
    os.utime(folder / "sent.jpg", (1_500_000_000, 1_500_000_000))
    others = ["June 2020", "cat.jpg, 15 June 2020", "January 2019", "rocket.jpg, 2 January 2019"]
    first = "first.jpg, 30 November 2021"

    def found() -> list[str]:
        return tree(screen, "heading", "table cell")

    with window(screen, folder, "type:jpeg"):
        wait_for(lambda: found() == ["November 2021", first, *others], "the months")
        press(screen, "Show all 3 that are nearly the same")
        wait_for(
            lambda: (
                sorted(found())
                == sorted(["November 2021", first, "edited.jpg, 2 May 2019", "sent.jpg", *others])
                and found()[-4:] == others
            ),
            "all three in one month",
        )


def test_tiles_say_when_and_where(screen: Desktop, folder: Path) -> None:
    dated(folder / "a.jpg", "cat", "2019:05:14 12:00:00", (48.0, 11.0))
    with window(screen, folder, "type:jpeg"):
        wait_for(lambda: any(", 14 May 2019, " in name for name in tiles(screen)), "the place")


def test_the_size_is_kept(screen: Desktop, folder: Path) -> None:
    write_photos(folder)

    def kept() -> str:
        file = screen.user.home / ".config" / "csearch" / "window.ini"
        return file.read_text() if file.exists() else ""

    with window(screen, folder, "type:jpeg"):
        wait_for(lambda: tiles(screen), "the pictures")
        screen.keys("key", "ctrl+minus")
        wait_for(lambda: "size=0" in kept(), "the size in its file")
    with window(screen, folder, "type:jpeg"):
        wait_for(lambda: tiles(screen), "the pictures")
        screen.keys("key", "ctrl+plus", "ctrl+plus")
        wait_for(lambda: "size=2" in kept(), "two steps up")
        screen.keys("key", "ctrl+0")
        wait_for(lambda: "size=1" in kept(), "the usual size")


def test_what_has_gone_vanishes_and_comes_back(screen: Desktop, folder: Path) -> None:
    write_photos(folder, ("cat", "rocket"))
    screen.user.csearchctl("add", folder)
    cat = folder / "cat.jpg"
    with window(screen, folder, "type:jpeg"):
        wait_for(lambda: sorted(tiles(screen)) == ["cat.jpg", "rocket.jpg"], "both")
        away = screen.user.home / "away.jpg"
        cat.rename(away)
        wait_for(lambda: tiles(screen) == ["rocket.jpg"], "one only")
        away.rename(cat)
        wait_for(lambda: sorted(tiles(screen)) == ["cat.jpg", "rocket.jpg"], "both again")
    screen.user.csearchctl("remove", folder)


def test_opening_what_has_gone_says_so_until_it_is_back(screen: Desktop, folder: Path) -> None:
    """The folder isn't watched: nobody knows before."""
    write_photos(folder, ("cat",))
    cat, away = folder / "cat.jpg", screen.user.home / "away.jpg"
    with window(screen, folder, "type:jpeg"):
        wait_for(lambda: tiles(screen) == ["cat.jpg"], "it")
        # The window looks at its files whenever it gets the keyboard, or the library changes.
        wait_for(lambda: screen.accessible("focused", APPLICATION), "the keyboard")
        screen.user.settle()
        cat.rename(away)
        screen.keys("key", "Return")
        screen.wait_for_text(APPLICATION, "cat.jpg is gone")
        wait_for(lambda: not tiles(screen), "its end")
        away.rename(cat)
        wait_for(lambda: tiles(screen) == ["cat.jpg"], "it again")
        wait_for(lambda: "is gone" not in str(screen.accessible("texts", APPLICATION)), "silence")


def test_which_filter_left_nothing_is_said_and_can_be_taken_out(screen: Desktop) -> None:
    # The folders of other tests have copies, one of which may stand for all.
    with window(screen, screen.user.pictures, "a cup of coffee type:jpeg name:none"):
        screen.wait_for_text(APPLICATION, "No picture here meets name:none.")
        press(screen, "Search Without name:none")
        wait_for(lambda: "coffee.jpg" in tiles(screen), "the pictures")


def test_half_a_word_flips_nothing(screen: Desktop) -> None:
    """What was found stays, and isn't taken for the answer."""
    with search_window(screen, *COMMAND, "type:jpeg"):
        wait_for(lambda: tiles(screen), "the pictures")
        screen.keys("type", " near:Lisbom")
        screen.wait_for_text(APPLICATION, "The pictures are those that were found before.")
        found = tiles(screen)  # also by what was typed up to a letter of the filter's name
        assert found == tiles(screen) != []
        screen.keys("key", "BackSpace")
        screen.keys("type", "n")
        screen.wait_for_text(APPLICATION, "No picture here meets near:Lisbon")


def test_several_are_selected_and_copied(screen: Desktop, folder: Path) -> None:
    write_photos(folder)

    def copied() -> list[str]:
        return clipboard(screen).split()

    with window(screen, folder, "type:jpeg"):
        names = wait_for(lambda: len(tiles(screen)) == 8 and tiles(screen), "all")
        uris = [(folder / name).as_uri() for name in names]
        screen.keys("key", "Down")
        wait_for(lambda: screen.accessible("focused", APPLICATION) == names[:1], "the first")
        screen.keys("key", "shift+Right", "shift+Right", "ctrl+c")
        wait_for(lambda: copied() == uris[:3], "three")
        screen.keys("key", "ctrl+Right", "ctrl+Right", "ctrl+space", "ctrl+c")
        wait_for(lambda: copied() == [*uris[:3], uris[4]], "one more")
        screen.keys("key", "ctrl+a", "ctrl+c")
        wait_for(lambda: copied() == uris, "all")


def test_hits_name_those_that_they_stand_for(screen: Desktop, folder: Path) -> None:
    for number, size in enumerate(((600, 400), (480, 320))):
        photo("coffee").resize(size).save(folder / f"coffee-{number}.jpg", quality=90)
    lines = screen.user.csearch("--json", "--group", "--in", folder, "type:jpeg").stdout
    (hit,) = map(json.loads, lines.splitlines())
    assert os.path.dirname(hit["path"]) == str(folder) and hit["similar"] == 1


def test_news_leave_what_is_opened_and_looked_at(screen: Desktop, folder: Path) -> None:
    for number, size in enumerate(((600, 400), (480, 320), (540, 360))):
        photo("coffee").resize(size).save(folder / f"coffee-{number}.jpg", quality=90)
    write_photos(folder, ("rocket", "cat"))
    screen.user.csearchctl("add", folder)
    with window(screen, folder, "type:jpeg not:tag:hidden"):
        wait_for(lambda: len(tiles(screen)) == 3, "one tile for the three")
        press(screen, "Show all 3 that are nearly the same")
        names = wait_for(lambda: len(found := tiles(screen)) == 5 and found, "all")
        # One behind a stack: it would be lost with it.
        looked_at = next(name for name in reversed(names) if "coffee" in name)
        screen.keys("key", "Down", "Home")
        for name in names[: names.index(looked_at) + 1]:
            focus(screen, name)
            if name != looked_at:
                screen.keys("key", "Right")
        (folder / "cat.jpg").unlink()
        left = [name for name in names if name != "cat.jpg"]
        wait_for(lambda: tiles(screen) == left, "those that are left")
        write_photos(folder, ("moon",))
        wait_for(lambda: set(tiles(screen)) == {*left, "moon.jpg"}, "another answer")
        focus(screen, looked_at)
        screen.keys("key", "space")
        screen.wait_for_text(APPLICATION, " of 5")
        screen.wait_for_text(APPLICATION, looked_at)
        os.setxattr(folder / looked_at, "user.xdg.tags", b"hidden")  # it doesn't match any more
        hidden = ("tag:hidden", "--in", folder)
        wait_for(lambda: screen.user.search(*hidden, check=None), "the tag")
        write_photos(folder, ("coins",))
        wait_for(lambda: " of 5" not in str(screen.accessible("texts", APPLICATION)), "the news")
        screen.wait_for_text(APPLICATION, looked_at)
        screen.keys("key", "Delete")
        wait_for(lambda: not (folder / looked_at).exists(), "the trash")
        wait_for(lambda: looked_at not in screen.accessible("texts", APPLICATION), "its neighbour")
    screen.user.csearchctl("remove", folder)


def test_while_pictures_are_read_little_is_asked_again(screen: Desktop, folder: Path) -> None:
    """Of a long list only what is in sight, and all once they have been read."""
    count = 220  # more than are asked for at once
    for number, path in enumerate(write_drawn(folder, count)):
        os.utime(path, (1_500_000_000 + number * 86_400,) * 2)
    screen.user.csearchctl("add", folder)
    screen.user.settle()

    def asked() -> list[int]:
        """How many pictures each search wanted."""
        told = screen.log("dbus-monitor").read_text().split("member=Search")[1:]
        return [int(found[1]) for one in told if (found := _TOP.search(one))]

    screen.user.csearchctl("pause")
    write_photos(folder, ("moon",))
    screen.user.csearchctl("rescan", folder)
    wait_for(lambda: screen.user.status()["pending"], "a picture that waits")
    monitor = screen.run("dbus-monitor", "type='method_call',member='Search'")
    with window(screen, folder, "type:jpeg"):
        wait_for(lambda: 100 in asked(), "all months")
        screen.wait_for_text(APPLICATION, "1 more is still to be looked at.")
        before = len(asked())
        for name in ("cat", "rocket"):
            seen = len(asked())
            write_photos(folder, (name,))
            screen.user.csearchctl("rescan", folder)
            wait_for(lambda seen=seen: len(asked()) > seen, "another look")
        assert max(asked()[before:]) == 200
        screen.user.csearchctl("resume")
        wait_for(lambda: max(asked()[before:]) > 200, "a look at all")
    monitor.terminate()
    screen.user.csearchctl("remove", folder)
