"""Looking through copies, what is nearly the same, and bursts, in the window for that."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.album import write_photo, xmp
from support.desktop import Desktop, needs
from support.photos import photo, write_drawn
from support.search_window import APPLICATION, COMMAND, press, search_window, toggle
from support.user import wait_for

pytestmark = needs()


@pytest.fixture
def album(screen: Desktop) -> Iterator[Path]:
    """Three copies, of which most is known of the last; one of a smaller size; a burst."""
    folder = screen.user.home / "twice"
    for path in screen.user.pictures.iterdir():  # they show the same
        path.unlink()
    screen.user.csearchctl("rescan")
    for name in ("cat.jpg", "copy.jpg"):
        write_photo(folder / name, "cat")
    write_photo(folder / "told.jpg", "cat", packet=xmp(("pets",)))
    photo("coffee").save(folder / "coffee.jpg")
    photo("coffee").resize((300, 200)).save(folder / "small.jpg")
    for second in range(3):
        taken, size = f"2023:05:01 10:00:0{second}", (400, 300 + 20 * second)
        write_photo(folder / f"shot{second}.jpg", "horse", taken=taken, size=size)
    screen.user.search("--wait", "x", "--in", folder)
    yield folder
    shutil.rmtree(folder)
    shutil.rmtree(screen.user.home / ".local" / "share" / "Trash", ignore_errors=True)
    screen.user.csearchctl("forget", folder)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def trashed(screen: Desktop) -> list[str]:
    files = screen.user.home / ".local" / "share" / "Trash" / "files"
    return sorted(path.name for path in files.glob("*"))


def texts(screen: Desktop) -> list[str]:
    shown: list[str] = screen.accessible("texts", APPLICATION)
    return shown


def review(screen: Desktop) -> None:
    """Opens it as the launcher does, and waits for the groups."""
    at = ("/org/csearch/Window", "org.freedesktop.Application")
    screen.bus.call(at, "ActivateAction", "sava{sv}", "duplicates", [], {}, destination=APPLICATION)
    screen.keys("windowactivate", "--sync", screen.window("Duplicates"))


def test_the_others_go_to_the_trash_and_come_back(screen: Desktop, album: Path) -> None:
    before = {path.name: path.read_bytes() for path in album.iterdir()}
    with search_window(screen, *COMMAND):
        review(screen)
        shown = screen.wait_for_text(APPLICATION, "3 files of the same picture")
        assert any("told.jpg, " in text and text.endswith("the best") for text in shown)
        assert not any("more than needed" in text for text in shown)
        screen.wait_for_text(APPLICATION, "Nearly the Same (1)")
        press(screen, "Move the Others to the Trash: told.jpg")
        screen.wait_for_text(APPLICATION, "Moved 2 pictures to the Trash")
        assert trashed(screen) == ["cat.jpg", "copy.jpg"]
        screen.wait_for_text(APPLICATION, "No duplicates")
        screen.keys("key", "ctrl+z")
        screen.wait_for_text(APPLICATION, "3 files of the same picture")
        assert {path.name: path.read_bytes() for path in album.iterdir()} == before
        press(screen, "Move 2 Marked Pictures to the Trash")
        screen.wait_for_text(APPLICATION, "Moved 2 pictures to the Trash")
        assert names(album) == sorted(set(before) - {"cat.jpg", "copy.jpg"})


def test_a_burst_has_nothing_marked(screen: Desktop, album: Path) -> None:
    with search_window(screen, *COMMAND):
        review(screen)
        press(screen, "Bursts (1)")
        shown = screen.wait_for_text(APPLICATION, "A burst of 3 different pictures")
        assert "Move the Marked to the Trash" in shown
        assert not any(text.startswith("Move 1 ") or "3 Marked" in text for text in shown)
        assert not any(text.endswith("the best") for text in shown)
        toggle(screen, "shot1.jpg: to the Trash")
        press(screen, "Move 1 Marked Picture to the Trash")
        screen.wait_for_text(APPLICATION, "Moved 1 picture to the Trash")
        screen.wait_for_text(APPLICATION, "A burst of 2 different pictures")
        assert trashed(screen) == ["shot1.jpg"]


def test_what_has_changed_is_left_alone(screen: Desktop, album: Path) -> None:
    with search_window(screen, *COMMAND):
        review(screen)
        screen.wait_for_text(APPLICATION, "3 files of the same picture")
        photo("moon").save(album / "copy.jpg")
        press(screen, "Move the Others to the Trash: told.jpg")
        screen.wait_for_text(APPLICATION, "copy.jpg: It has changed since it was compared")
        assert trashed(screen) == ["cat.jpg"]
        screen.keys("key", "ctrl+z")
        wait_for(lambda: not trashed(screen), "an empty trash")
        os.utime(album / "told.jpg", (1, 1))
        photo("moon").save(album / "cat.jpg")
        press(screen, "Move the Others to the Trash: told.jpg")
        screen.wait_for_text(APPLICATION, "cat.jpg: It has changed since it was compared")
        assert not trashed(screen)


def test_nothing_goes_when_the_one_to_keep_has_gone(screen: Desktop, album: Path) -> None:
    with search_window(screen, *COMMAND):
        review(screen)
        screen.wait_for_text(APPLICATION, "3 files of the same picture")
        (album / "told.jpg").unlink()
        press(screen, "Move the Others to the Trash: told.jpg")
        screen.wait_for_text(APPLICATION, "What was to be kept has changed or gone")
        assert not trashed(screen)
        press(screen, "Compare Again")
        screen.wait_for_text(APPLICATION, "2 files of the same picture")


def test_pictures_of_a_group_are_looked_at_large(screen: Desktop, album: Path) -> None:
    """By the keyboard alone."""
    with search_window(screen, *COMMAND):
        review(screen)
        screen.wait_for_text(APPLICATION, "3 files of the same picture")

        def on_the_first() -> bool:
            if any("told.jpg, " in name for name in screen.accessible("focused", APPLICATION)):
                return True
            screen.keys("key", "Tab")
            return False

        wait_for(on_the_first, "the first picture")
        screen.keys("key", "space")
        screen.wait_for_text(APPLICATION, "1 of 3")
        screen.keys("key", "Right")
        screen.wait_for_text(APPLICATION, "2 of 3")
        screen.keys("key", "Delete", "Escape")
        wait_for(lambda: "2 of 3" not in texts(screen), "the groups")
        wait_for(
            lambda: (
                "copy.jpg, " in str(screen.accessible("focused", APPLICATION))
                or "cat.jpg, " in str(screen.accessible("focused", APPLICATION))
            ),
            "the picture that was looked at",
        )
        assert not trashed(screen)


def test_many_come_in_pages(screen: Desktop) -> None:
    folder = screen.user.home / "many"
    for part in ("a", "b"):
        write_drawn(folder / part, 30)
    screen.user.search("--wait", "x", "--in", folder)
    with search_window(screen, *COMMAND):
        review(screen)
        screen.wait_for_text(APPLICATION, "1 to 25 of 30")
        press(screen, "Next Page")
        screen.wait_for_text(APPLICATION, "26 to 30 of 30")
        press(screen, "Move 5 Marked Pictures to the Trash")
        screen.wait_for_text(APPLICATION, "Moved 5 pictures to the Trash")
        screen.wait_for_text(APPLICATION, "1 to 25 of 25")
        screen.keys("key", "ctrl+z")
        screen.wait_for_text(APPLICATION, "1 to 25 of 30")
        press(screen, "Move 25 Marked Pictures to the Trash")
        screen.wait_for_text(APPLICATION, "1 to 5 of 5")
    assert len(list(folder.rglob("*.jpg"))) == 35
    shutil.rmtree(folder)
    shutil.rmtree(screen.user.home / ".local" / "share" / "Trash")
    screen.user.csearchctl("forget", folder)


def test_without_duplicates(screen: Desktop) -> None:
    with search_window(screen, *COMMAND):
        review(screen)
        screen.wait_for_text(APPLICATION, "No duplicates")
