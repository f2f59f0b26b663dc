"""What is done with several pictures in the search window: above all the trash, and back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.desktop import Desktop, needs
from support.photos import write_photos
from support.search_window import APPLICATION, COMMAND, focus, press, search_window, shown
from support.user import wait_for

pytestmark = needs()


@pytest.fixture
def album(screen: Desktop) -> Iterator[Path]:
    """Pictures of a test's own; one has a name that isn't UTF-8."""
    directory = screen.user.home / "album"
    write_photos(directory, ("coffee", "cat", "rocket"))
    (directory / "coins.jpg").write_bytes((screen.user.pictures / "coins.jpg").read_bytes())
    (directory / "coins.jpg").rename(directory / "coins\udcff %41.jpg")
    screen.user.search("--wait", "anything", "--in", directory)
    yield directory
    shutil.rmtree(directory)
    shutil.rmtree(screen.user.home / ".local" / "share" / "Trash", ignore_errors=True)


def texts(screen: Desktop) -> list[str]:
    shown: list[str] = screen.accessible("texts", APPLICATION)
    return shown


def trashed(screen: Desktop) -> list[str]:
    files = screen.user.home / ".local" / "share" / "Trash" / "files"
    return sorted(path.name for path in files.glob("*"))


def select_all(screen: Desktop) -> None:
    names = ("coffee.jpg", "cat.jpg", "rocket.jpg", "coins")

    def there() -> bool:
        shown = texts(screen)
        return all(any(text.startswith(name) for text in shown) for name in names)

    wait_for(there, "the pictures")
    screen.keys("key", "Down", "ctrl+a")
    screen.wait_for_text(APPLICATION, "4 selected")


def test_the_trash_and_back(screen: Desktop, album: Path) -> None:
    before = {path.name: path.read_bytes() for path in album.iterdir()}
    with search_window(screen, *COMMAND, "--in", str(album), "size:>0MP"):
        select_all(screen)
        screen.keys("key", "Delete")
        screen.wait_for_text(APPLICATION, "Moved 4 pictures to the Trash")
        assert not list(album.iterdir())
        assert trashed(screen) == sorted(before)
        wait_for(lambda: "coffee.jpg" not in texts(screen), "an empty grid")
        press(screen, "Undo")
        wait_for(lambda: len(list(album.iterdir())) == 4, "the files")
        assert {path.name: path.read_bytes() for path in album.iterdir()} == before
        wait_for(lambda: not trashed(screen), "an empty trash")
        wait_for(lambda: "coffee.jpg" in texts(screen), "the pictures")


def test_what_cannot_be_undone_is_named(screen: Desktop, album: Path) -> None:
    with search_window(screen, *COMMAND, "--in", str(album), "name:coffee"):
        wait_for(lambda: "coffee.jpg" in texts(screen), "the picture")
        screen.keys("key", "Down", "space")
        screen.wait_for_text(APPLICATION, "1 of 1")
        screen.keys("key", "Delete")
        screen.wait_for_text(APPLICATION, "Moved 1 picture to the Trash")
        wait_for(lambda: "1 of 1" not in texts(screen), "the results")
        (album / "coffee.jpg").write_bytes(b"another one")
        screen.keys("key", "ctrl+z")
        screen.wait_for_text(APPLICATION, "coffee.jpg: ")
    assert (album / "coffee.jpg").read_bytes() == b"another one"
    assert trashed(screen) == ["coffee.jpg"]


def test_the_bar_comes_and_goes_and_acts_on_all(screen: Desktop, album: Path) -> None:
    with search_window(screen, *COMMAND, "--in", str(album), "size:>0MP"):
        select_all(screen)
        press(screen, "Find Similar")
        screen.wait_for_text(APPLICATION, "Search without coffee.jpg")
        screen.wait_for_text(APPLICATION, "Search without cat.jpg")
        wait_for(lambda: "4 selected" not in texts(screen), "the end of the bar")


def test_delete_takes_the_neighbours_and_never_the_first(screen: Desktop, album: Path) -> None:
    with search_window(screen, *COMMAND, "--in", str(album), "size:>0MP"):
        names = wait_for(lambda: len(found := shown(screen)) == 4 and found, "the pictures")
        screen.keys("key", "Down", "End")
        for count in (3, 2):
            focus(screen, names[count])
            screen.keys("key", "Delete")
            wait_for(lambda count=count: shown(screen) == names[:count], "those before it")
        focus(screen, names[1])
        assert len(trashed(screen)) == 2
        screen.keys("key", "ctrl+shift+a", "Delete", "space")  # nothing is selected
        screen.wait_for_text(APPLICATION, "1 of 2")
    assert len(trashed(screen)) == 2


def test_what_fails_later_leaves_the_trash_undoable(screen: Desktop, album: Path) -> None:
    with search_window(screen, *COMMAND, "--in", str(album), "size:>0MP"):
        names = wait_for(lambda: len(found := shown(screen)) == 4 and found, "the pictures")
        screen.keys("key", "Down", "Delete")
        wait_for(lambda: shown(screen) == names[1:], "the others, at once")
        focus(screen, names[1])
        gone = next(path for path in album.iterdir() if path.name[:4] == names[1][:4])
        gone.unlink()
        screen.keys("key", "Delete")
        wait_for(lambda: gone.name[:4] in str(notices(screen)), "why it can't be moved")
        screen.keys("key", "ctrl+z")
        wait_for(lambda: not trashed(screen), "an empty trash")
        wait_for(lambda: names[0] in shown(screen), "the first picture")


def notices(screen: Desktop) -> list[str]:
    tree = screen.accessible("tree", APPLICATION)
    return [name + text for role, name, text in tree if role in ("alert", "notification")]
