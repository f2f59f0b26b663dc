"""One picture at a time in the search window, and what is known of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational
from pillow_heif import register_heif_opener

from support.bus import on_bus
from support.desktop import Desktop, needs
from support.lettering import written
from support.photos import NAMES, photo
from support.search_window import APPLICATION, COMMAND, clipboard_text, focus, press, search_window
from support.user import User, wait_for

pytestmark = needs()

BACK = "Back to the Results"


@pytest.fixture
def window(screen: Desktop) -> Iterator[Desktop]:
    with search_window(screen, *COMMAND):
        yield screen


def texts(screen: Desktop) -> list[str]:
    shown: list[str] = screen.accessible("texts", APPLICATION)
    return shown


def see(screen: Desktop, *names: str) -> None:
    """Waits until pictures are shown, whatever is said of them beside their names."""

    def there() -> bool:
        shown = texts(screen)
        return all(any(text.startswith(name) for text in shown) for name in names)

    wait_for(there, ", ".join(names))


def see_large(screen: Desktop, place: str) -> str:
    """The name of the picture that is large, once it is the one at "3 of 41"."""

    def name() -> str:
        shown = texts(screen)
        return shown[shown.index(place) - 1] if BACK in shown and place in shown else ""

    try:
        return str(wait_for(name, place))
    except AssertionError:
        print(texts(screen))
        raise


def wait_for_results(screen: Desktop) -> None:
    wait_for(lambda: BACK not in texts(screen), "the results")


def test_space_shows_a_picture_and_arrows_walk(screen: Desktop) -> None:
    with search_window(screen, *COMMAND, "size:>0MP"):
        see(screen, *(f"{name}.jpg" for name in NAMES))
        screen.keys("key", "Down", "space")
        first = see_large(screen, f"1 of {len(NAMES)}")
        focus(screen, first)
        screen.keys("key", "Left")  # there is none before it
        screen.keys("key", "Right")
        second = see_large(screen, f"2 of {len(NAMES)}")
        assert second != first
        screen.keys("key", "End")
        see_large(screen, f"{len(NAMES)} of {len(NAMES)}")
        screen.keys("key", "Home", "Page_Down")
        assert see_large(screen, f"2 of {len(NAMES)}") == second
        press(screen, "Next Picture")
        third = see_large(screen, f"3 of {len(NAMES)}")
        screen.keys("key", "Escape")
        wait_for_results(screen)
        screen.keys("key", "space")
        assert see_large(screen, f"3 of {len(NAMES)}") == third, "it is selected"
        screen.keys("key", "space")
        wait_for_results(screen)


def test_a_picture_is_enlarged_and_fitted_again(window: Desktop) -> None:
    window.keys("type", "name:coffee")
    see(window, "1 picture of", "coffee.jpg")
    window.keys("key", "Down", "space")
    window.wait_for_text(APPLICATION, "100\u2009%")  # 600 by 400 pixels: it isn't enlarged
    window.keys("key", "ctrl+plus", "ctrl+plus")
    window.wait_for_text(APPLICATION, "156\u2009%")
    window.keys("key", "Right", "Down")  # moves it
    window.keys("key", "ctrl+minus")
    window.wait_for_text(APPLICATION, "125\u2009%")
    window.keys("key", "ctrl+1")
    window.wait_for_text(APPLICATION, "100\u2009%")
    window.keys("key", "ctrl+plus", "ctrl+0")
    window.wait_for_text(APPLICATION, "100\u2009%")
    see_large(window, "1 of 1")


def extra(screen: Desktop, name: str) -> Path:
    """A directory that is read and isn't watched."""
    directory = screen.user.home / name
    directory.mkdir()
    return directory


def test_other_formats_turned_ones_and_damaged_ones(screen: Desktop) -> None:
    register_heif_opener()
    directory = extra(screen, "formats")
    photo("coffee").resize((3000, 2000)).save(directory / "a.heic")
    turned = Image.Exif()
    turned[0x0112] = 6
    photo("rocket").resize((2000, 1000)).save(directory / "b.jpg", exif=turned)
    photo("cat").save(directory / "c.png")
    screen.user.search("anything", "--in", directory)
    with search_window(screen, *COMMAND, "--in", str(directory), "size:>0MP"):
        see(screen, "a.heic", "b.jpg", "c.png")
        (directory / "c.png").write_bytes(b"no picture any more")
        screen.keys("key", "Down", "space")
        seen = {}
        for number in (1, 2, 3):
            name = see_large(screen, f"{number} of 3")
            if name == "c.png":
                screen.wait_for_text(APPLICATION, "This picture can't be shown.")
            else:
                fits = {"a.heic": (3000, 2000), "b.jpg": (1000, 2000)}[name]
                seen[name] = wait_for(lambda fits=fits: fitted(screen, fits), f"{name}, fitted")
            screen.keys("key", "Right")
        assert set(seen) == {"a.heic", "b.jpg"}


def test_who_walks_fast_waits_for_what_is_looked_at_alone(screen: Desktop) -> None:
    register_heif_opener()
    directory = extra(screen, "walked")
    for name in NAMES:
        photo(name).resize((2400, 1600)).save(directory / f"{name}.heic")
    last = len(NAMES)
    screen.user.search("--wait", "anything", "--in", directory)
    with (
        search_window(screen, *COMMAND, "--in", str(directory), "type:heic"),
        calls(screen, "Picture") as asked,
    ):
        screen.wait_for_text(APPLICATION, f"{last} pictures of")
        screen.keys("key", "Down", "space")
        see_large(screen, f"1 of {last}")
        wait_for(lambda: len(asked()) == 2, "the first and the second one")
        (service,) = screen.user.pids("csearchd")
        os.kill(service, signal.SIGSTOP)
        try:
            for number in range(2, last + 1):
                screen.keys("key", "Right")
                see_large(screen, f"{number} of {last}")
        finally:
            os.kill(service, signal.SIGCONT)
        wait_for(lambda: len(asked()) >= 4, "what was wanted at the end")
        wait_for(lambda: fitted(screen, (2400, 1600)), "the last one")
        assert len(asked()) <= 5, "one was under way; the last one, and the one before it"


@contextmanager
def calls(screen: Desktop, method: str) -> Iterator[Callable[[], list[str]]]:
    """Yields what returns the calls of a method of the service that were made meanwhile."""
    rule = f"type='method_call',interface='org.csearch.Csearch1',member='{method}'"
    log = screen.log("dbus-monitor")
    monitor = screen.run("dbus-monitor", "--session", "--profile", rule)

    def asked() -> list[str]:
        return [line for line in log.read_text().splitlines() if line.endswith(method)]

    wait_for(lambda: log.stat().st_size, "the monitor")
    try:
        yield asked
    finally:
        monitor.terminate()
        monitor.wait()


def fitted(screen: Desktop, size: tuple[int, int]) -> bool:
    """Whether a picture of so many pixels is as large as there is room."""
    width, height = 960, 660  # of the window, without its header, more or less
    expected = 100 * min(width / size[0], height / size[1])
    shown = [text for text in texts(screen) if text.endswith("\u2009%")]
    return bool(shown) and abs(int(shown[0].split("\u2009")[0]) - expected) < 4


def test_the_side_panel_tells_and_searches(screen: Desktop) -> None:
    directory = extra(screen, "told")
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "NIKON", "NIKON D750"
    exposure = {0x829A: IFDRational(1, 250), 0x829D: IFDRational(28, 10), 0x920A: IFDRational(50)}
    exif[0x8769] = {
        0x9003: "2021:07:14 10:20:30", 0x8827: 400, 0xA434: "Nikkor 50mm", **exposure,
    }  # fmt: skip
    photo("coffee").save(directory / "told.jpg", exif=exif)
    photo("cat").save(directory / "other.jpg")
    os.setxattr(directory / "told.jpg", "user.xdg.tags", b"break fast,blue")
    screen.user.search("anything", "--in", directory)
    with search_window(screen, *COMMAND, "--in", str(directory), "size:>0MP"):
        see(screen, "told.jpg", "other.jpg")
        screen.keys("key", "Down", "Right", "F9")
        exposure = "1/250 s, f/2.8, 50 mm, ISO 400"
        for text in ("NIKON D750", "Nikkor 50mm", exposure, "2021", "600 × 400", "blue"):
            screen.wait_for_text(APPLICATION, text)
        screen.keys("key", "space")
        see_large(screen, "2 of 2")
        press(screen, 'Search for tag:"break fast"')
        wait_for_results(screen)
        see(screen, "1 picture of 2")
        screen.keys("key", "F9")
        wait_for(lambda: "ISO 400" not in texts(screen), "the end of the panel")


def test_words_in_a_picture_are_copied(tmp_path: Path) -> None:
    with User(tmp_path, reads_words=True) as user:
        written(("Wireless password", "gooseberry 4711")).save(user.pictures / "note.png")
        screen = Desktop(user)
        screen.start()
        try:
            user.csearchctl("add", user.pictures)
            wait_for(lambda: on_bus(screen.bus), "the service on the bus")
            with search_window(screen, *COMMAND, "text:gooseberry"):
                see(screen, "note.png")
                screen.keys("key", "Down", "space")
                see_large(screen, "1 of 1")
                screen.keys("key", "ctrl+t")
                screen.wait_for_text(APPLICATION, "Wireless password\ngooseberry 4711")
                press(screen, "Copy All Words")
                copied = "Wireless password\ngooseberry 4711"
                wait_for(lambda: clipboard_text(screen) == copied, "the words")
        finally:
            screen.stop()
