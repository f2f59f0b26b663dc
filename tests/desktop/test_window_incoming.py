"""Pictures that come into the search window and leave it: dragged, pasted, named."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.desktop import DESKTOP_PYTHON, Desktop, needs
from support.photos import write_photos
from support.search_window import APPLICATION, COMMAND, search_window, see
from support.user import wait_for

pytestmark = needs(typelibs={"Gtk": "3.0"})

PROGRAM = Path(__file__).parents[1] / "support" / "dragging.py"
# Where things are: the other program at the left, the window beside it, and its first picture.
_OTHER, _PLACE = ("20", "40"), ("300", "40")
_IN_OTHER, _IN_WINDOW, _FIRST = ("120", "150"), ("700", "400"), ("400", "200")


@contextmanager
def opened(screen: Desktop, *arguments: str) -> Iterator[str]:
    with search_window(screen, *COMMAND, *arguments) as window:
        screen.keys("windowsize", "--sync", window, "700", "600", "windowmove", window, *_PLACE)
        yield window


@contextmanager
def other(screen: Desktop, log: Path, *arguments: str) -> Iterator[Path]:
    """The program at the other end; what it tells is in `log`."""
    with log.open("wb") as output:
        command = [DESKTOP_PYTHON, str(PROGRAM), *arguments]
        process = subprocess.Popen(command, env=screen.environment, stdout=output)
    try:
        window = screen.window(f"The {arguments[0]}")
        screen.keys("windowmove", "--sync", window, *_OTHER, "windowactivate", "--sync", window)
        yield log
    finally:
        process.terminate()
        process.wait(60)


def last(log: Path) -> str:
    return (log.read_text().splitlines() or [""])[-1]


def begun(screen: Desktop, log: Path) -> bool:
    """Whether something could be pulled out of the other program, which may not be painted yet."""
    screen.keys("mousemove", *_IN_OTHER, "mousedown", "1", "mousemove_relative", "20", "20")
    for _ in range(20):
        screen.keys("mousemove_relative", "2", "2")
        if "begun" in log.read_text():
            return True
    screen.keys("mouseup", "1")
    return False


def drop(screen: Desktop, log: Path, kind: str, data: str) -> None:
    """Drags from the other program into the window."""
    with other(screen, log, "source", kind, data):
        wait_for(lambda: begun(screen, log), "the drag")

        def asked() -> bool:
            """The window has been asked, and has answered something."""
            screen.keys("mousemove", *_IN_WINDOW, "mousemove_relative", "5", "5")
            return "action" in log.read_text()

        wait_for(asked, "the window to answer")
        wait_for(lambda: last(log) == "action 2", "the window to take it")
        screen.keys("mouseup", "1")
        wait_for(lambda: last(log) == "ended", "the end of the drag")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a picture on this machine's own web."""
    write_photos(tmp_path / "web", ("coffee",))
    (tmp_path / "web" / "page.html").write_text("<p>no picture")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path / "web"))  # type: ignore[arg-type]

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_files_are_dropped_in(screen: Desktop, tmp_path: Path) -> None:
    """As file managers hand them over, two at once, with a name that is no UTF-8."""
    strange = tmp_path / os.fsdecode(b"a \xff b.jpg")
    pictures = write_photos(tmp_path, ("cat", "coffee"))
    pictures[1].rename(strange)
    with opened(screen):
        uris = "".join(f"{path.as_uri()}\\r\\n" for path in (pictures[0], strange))
        drop(screen, tmp_path / "log", "text/uri-list", uris)
        screen.wait_for_text(APPLICATION, "Search without cat.jpg")
        screen.wait_for_text(APPLICATION, "Search without a \ufffd b.jpg")
        screen.wait_for_text(APPLICATION, "coins.jpg")


def test_a_folder_dropped_in_is_where_is_searched(screen: Desktop, tmp_path: Path) -> None:
    write_photos(tmp_path / "only here", ("cat",))
    with opened(screen, "a cat"):
        drop(screen, tmp_path / "log", "text/uri-list", (tmp_path / "only here").as_uri())
        screen.wait_for_text(APPLICATION, "only here")
        screen.wait_for_text(APPLICATION, "cat.jpg")


@pytest.mark.parametrize("kind", ["text/uri-list", "text/plain;charset=utf-8"])
def test_a_picture_of_the_web_is_dropped_in(
    screen: Desktop, served: str, tmp_path: Path, kind: str
) -> None:
    with opened(screen):
        drop(screen, tmp_path / "log", kind, f"{served}/coffee.jpg?size=large")
        screen.wait_for_text(APPLICATION, "Search without coffee.jpg")
        screen.wait_for_text(APPLICATION, "astronaut.jpg")


def test_words_dropped_in_are_asked_for(screen: Desktop, tmp_path: Path) -> None:
    with opened(screen):
        drop(screen, tmp_path / "log", "text/plain;charset=utf-8", "name:rocket")
        screen.wait_for_text(APPLICATION, "rocket.jpg")
        screen.wait_for_text(APPLICATION, "1 picture of ")


def pulled(screen: Desktop, log: Path) -> bool:
    """Whether the first picture could be pulled over the other program, which would take it.

    There is none to pull before it is painted. The other side is told of the next move when it has
    answered to the last one: then the window knows.
    """
    screen.keys("mousemove", *_FIRST, "mousedown", "1", "mousemove_relative", "20", "20")
    for _ in range(20):
        screen.keys("mousemove", *_IN_OTHER, "mousemove_relative", "5", "5")
        if log.read_text().count("motion") > 2:
            return True
    screen.keys("mouseup", "1")
    return False


def test_a_picture_is_dragged_out(screen: Desktop, tmp_path: Path) -> None:
    with opened(screen, "name:coffee"):
        screen.wait_for_text(APPLICATION, "coffee.jpg")
        with other(screen, tmp_path / "log", "target", "text/uri-list") as log:
            wait_for(lambda: pulled(screen, log), "the drag to arrive")
            screen.keys("mouseup", "1")
            wait_for(lambda: last(log).startswith("dropped"), "the drop")
            dropped = json.loads(last(log).partition(" ")[2])
    assert dropped == f"{(screen.user.pictures / 'coffee.jpg').as_uri()}\r\n"


def test_a_copied_picture_is_pasted(screen: Desktop, tmp_path: Path) -> None:
    """Pixels, as of a screenshot, and files; words stay words."""
    (picture,) = write_photos(tmp_path, ("coffee",))
    with opened(screen) as window:
        with other(screen, tmp_path / "log", "clipboard", str(picture)) as log:
            wait_for(lambda: last(log) == "offered", "the clipboard")
            screen.keys("windowactivate", "--sync", window)

            def pasted() -> bool:
                """What the clipboard has the window asks its owner first."""
                screen.keys("key", "ctrl+v")
                return "Search without Picture" in screen.accessible("texts", APPLICATION)

            wait_for(pasted, "the pixels")
            see(screen, "coffee.jpg")

        def chosen() -> bool:
            """Another answer may be under way: the clipboard was asked more than once."""
            screen.keys("key", "Down")
            return "coffee.jpg" in screen.accessible("focused", APPLICATION)

        wait_for(chosen, "the picture")
        screen.keys("key", "ctrl+c", "Escape", "ctrl+v")
        screen.wait_for_text(APPLICATION, "Search without coffee.jpg")
        screen.keys("key", "BackSpace")  # takes the last one away
        wait_for(
            lambda: (
                "Search without coffee.jpg" not in (told := screen.accessible("texts", APPLICATION))
                and "Search without Picture" in told
            ),
            "one picture less",
        )


def test_paths_and_addresses_are_typed(screen: Desktop, served: str, tmp_path: Path) -> None:
    """As csearch takes them; an address is fetched when it is complete, which Enter says."""
    (cat,) = write_photos(tmp_path / "two words", ("cat",))
    with opened(screen, f"{cat} + {cat.as_uri()} name:rocket"):
        screen.wait_for_text(APPLICATION, "rocket.jpg")
        screen.keys("key", "ctrl+a")
        screen.keys("type", f"{served}/coffee.jpg")
        screen.wait_for_text(APPLICATION, "Enter fetches the picture.")
        screen.keys("key", "Return")
        screen.wait_for_text(APPLICATION, "Search without coffee.jpg")
        screen.keys("key", "Escape")
        screen.keys("type", f"a cup + 0.5:{served}/coffee.jpg")
        screen.wait_for_text(APPLICATION, "Enter fetches the picture.")
        screen.keys("key", "Return")

        def is_part_of_the_query() -> bool:
            """It isn't found itself, and needs no button that takes it away."""
            told = screen.accessible("texts", APPLICATION)
            assert "Search without coffee.jpg" not in told
            return "cat.jpg" in told and "coffee.jpg" not in told

        wait_for(is_part_of_the_query, "others like the picture")
        screen.keys("key", "ctrl+a")
        screen.keys("type", f"{served}/page.html")
        screen.keys("key", "Return")
        screen.wait_for_text(APPLICATION, "This is a web page, not a picture")
