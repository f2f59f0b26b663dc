"""Words for selected pictures, written where other programs read them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support.album import write_photo, xmp
from support.desktop import Desktop, needs
from support.search_window import APPLICATION, COMMAND, focus, press, search_window, shown
from support.user import wait_for

pytestmark = [
    needs(),
    pytest.mark.skipif(not shutil.which("exiftool"), reason="needs libimage-exiftool-perl"),
]


@pytest.fixture
def album(screen: Desktop) -> Iterator[Path]:
    """Two pictures, one of which another program has tagged."""
    directory = screen.user.home / "album"
    write_photo(directory / "coffee.jpg", "coffee")
    write_photo(directory / "rocket.jpg", "rocket", packet=xmp(("Launches",)))
    screen.user.search("--wait", "anything", "--in", directory)
    yield directory
    shutil.rmtree(directory)


def state(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # of what is being taken back
            found[path.name] = path.read_bytes()
    return found


def subjects(file: Path) -> list[str]:
    command = ["exiftool", "-s3", "-sep", "|", "-XMP-dc:Subject", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip().split("|")


def tag(screen: Desktop, word: str) -> None:
    """Writes a word for all pictures into the dialog."""
    wait_for(lambda: len(shown(screen)) == 2, "the pictures")
    screen.keys("key", "Down", "ctrl+a")
    screen.wait_for_text(APPLICATION, "2 selected")
    press(screen, "Tag…")
    screen.keys("windowactivate", "--sync", screen.window("Tag 2 Pictures"))
    focus(screen, "Word")
    screen.keys("type", word)


def test_a_word_is_added_and_taken_back(screen: Desktop, album: Path) -> None:
    before = state(album)
    with search_window(screen, *COMMAND, "--in", str(album), "size:>0MP"):
        tag(screen, "Lisbon")
        screen.keys("key", "Return")
        screen.wait_for_text(APPLICATION, "Added “Lisbon” to 2 pictures")
        assert {path.name for path in album.iterdir()} - set(before) == {
            "coffee.jpg.xmp",
            "rocket.jpg.xmp",
        }
        assert subjects(album / "coffee.jpg.xmp") == ["Lisbon"]
        known = {path.name for path in screen.user.search("--wait", "tag:lisbon", "--in", album)}
        assert known == {"coffee.jpg", "rocket.jpg"}
        press(screen, "Undo")
        wait_for(lambda: state(album) == before, "the files as they were")


def test_known_words_are_offered_and_what_others_wrote_stays(screen: Desktop, album: Path) -> None:
    before = state(album)
    with search_window(screen, *COMMAND, "--in", str(album), "size:>0MP"):
        tag(screen, "laun")
        press(screen, "Launches")
        press(screen, "Remove")
        screen.wait_for_text(APPLICATION, "None of them has “Launches” from here.")
        tag(screen, "Launches")
        screen.keys("key", "Return")
        screen.wait_for_text(APPLICATION, "Added “Launches” to 2 pictures")
        wait_for(lambda: subjects(album / "coffee.jpg.xmp") == ["Launches"], "the word")
        tag(screen, "Launches")
        press(screen, "Remove")
        screen.wait_for_text(APPLICATION, "Removed “Launches” from 2 pictures")
        wait_for(lambda: state(album) == before, "the files as they were")


def test_a_word_has_no_separators(screen: Desktop, album: Path) -> None:
    before = state(album)
    with search_window(screen, *COMMAND, "--in", str(album), "size:>0MP"):
        tag(screen, "a,b")
        screen.wait_for_text(APPLICATION, "A word has no comma, semicolon, slash or bar.")
        screen.keys("key", "Return", "Escape")
        wait_for(lambda: "Tag 2 Pictures" not in screen.titles(), "the end of the dialog")
    assert state(album) == before
