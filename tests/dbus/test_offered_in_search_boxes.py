"""What the desktop's search boxes offer beside programs and settings, and what they don't."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from support.bus import KRUNNER, SHELL, Bus, needs_bus, on_bus
from support.photos import photo
from support.user import User, wait_for
from support.written import write_words

pytestmark = needs_bus

# What people type to start a program, to compute and to convert.
NOISE = (
    "firefox", "settings", "1+1", "terminal", "calculator", "5 km in miles", "125*8", "sqrt(16)",
    "https://example.org", "system settings", "shutdown", "-", '"', "name:", "not:", "4", "12 5",
)  # fmt: skip
STONES = ("Firefox.jpg", "sunsets 1.jpg", "IMG 125.jpg", "receipt.jpg")


@pytest.fixture(scope="module")
def launcher(settled: User) -> Iterator[Bus]:
    """Beside the photos there are pictures of gravel whose names say something else, one of them
    with words in it, a plain one, and a cat without a name."""
    directory = settled.pictures / "more"
    directory.mkdir()
    for number, name in enumerate(STONES):
        photo("gravel").crop((0, 0, 400 - 20 * number, 400)).save(directory / name)
    Image.new("RGB", (640, 400), (255, 0, 0)).save(directory / "0002.png")
    ImageOps.mirror(photo("cat")).save(directory / "0001.jpg")
    settled.csearchctl("rescan", settled.pictures)
    settled.settle()
    write_words(settled, {directory / "receipt.jpg": ("Terminal 2", "Gate 17")})
    made = Bus(settled)
    made.start()
    settled.start()
    wait_for(lambda: on_bus(made), "the service on the bus")
    yield made
    made.stop()


def offered(bus: Bus, typed: str) -> list[str]:
    """The names of what KRunner and the Shell are offered."""
    (matches,) = bus.call(KRUNNER, "Match", "s", typed)
    (uris,) = bus.call(SHELL, "GetInitialResultSet", "as", typed.split())
    assert [match[0] for match in matches] == uris[: len(matches)]
    assert all(match[5]["urls"].value == [match[0]] for match in matches)
    return [Path(match[1]).name for match in matches]


def test_noise_offers_nothing(launcher: Bus) -> None:
    names = {typed: offered(launcher, typed) for typed in NOISE}
    of_names = {"firefox": ["Firefox.jpg"], "terminal": ["receipt.jpg"]}
    assert names == {typed: of_names.get(typed, []) for typed in NOISE}


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("FIREFOX", ["Firefox.jpg"]),
        ("firefox browser", []),
        ("fire", []),
        ("firefo", []),
        ("sunset", ["sunsets 1.jpg"]),
        ("sunse", []),
        ("125", ["IMG 125.jpg"]),
        ("12", []),
        ("terminal gate", ["receipt.jpg"]),
        ("termina", []),
        ("Termimal", []),
        ("name:firef*", ["Firefox.jpg"]),
        ("-firefox", ["Firefox.jpg"]),
        ('"firefox" *', ["Firefox.jpg"]),
        ("firefox:", ["Firefox.jpg"]),
        ("size:big", []),
        ("near:Nowhereville", []),
    ],
)
def test_only_whole_words_of_names_and_texts(launcher: Bus, typed: str, names: list[str]) -> None:
    assert offered(launcher, typed) == names


def test_descriptions_offer_pictures(launcher: Bus) -> None:
    for typed in ("a cat", "- a cat", '"a cat', "a cat +", "1:a cat"):
        assert set(offered(launcher, typed)) == {"cat.jpg", "0001.jpg"}
    assert offered(launcher, "a cup of coffee") == ["coffee.jpg"]


def test_another_word_of_the_models_has_to_be_seen_surely(launcher: Bus) -> None:
    """Half of it is nothing, and neither is a word that the pictures hardly show."""
    assert set(offered(launcher, "kitty")) == {"cat.jpg", "0001.jpg"}
    assert offered(launcher, "kitt") == offered(launcher, "spaceship") == []


def test_nothing_is_the_answer_to_nothing(launcher: Bus) -> None:
    (found,) = launcher.call(SHELL, "GetSubsearchResultSet", "asas", [], ["1+1"])
    assert found == []
    assert launcher.call(SHELL, "GetInitialResultSet", "as", []) == [[]]
    assert launcher.call(SHELL, "GetResultMetas", "as", found) == [[]]
    # While "coffee" is typed, the Shell narrows what was found for "c", which is nothing.
    (found,) = launcher.call(SHELL, "GetSubsearchResultSet", "asas", [], ["coffee"])
    assert found[0].endswith("/coffee.jpg")
