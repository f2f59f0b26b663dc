"""Filters by hand in the search window: the bar, the chips, and what is offered while typing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.album import write_album
from support.desktop import Desktop, needs
from support.search_window import (
    APPLICATION,
    COMMAND,
    FIELD,
    focus,
    query,
    search_window,
    see,
    shown,
)
from support.user import wait_for

pytestmark = needs()


@pytest.fixture(scope="module")
def album(screen: Desktop) -> Desktop:
    """A desktop whose user also has pictures that tell of themselves."""
    write_album(screen.user.pictures / "Album")
    wait_for(lambda: screen.user.status()["images"] == 15, "the album")
    screen.user.settle()
    return screen


@pytest.fixture
def window(album: Desktop) -> Iterator[Desktop]:
    with search_window(album, *COMMAND):
        yield album


def press(screen: Desktop, name: str) -> None:
    """Triggers what is called so, once it is there."""
    wait_for(lambda: screen.accessible("press", APPLICATION, name), name)


def remove(screen: Desktop, filter: str) -> None:
    """Presses the button of a chip, which ends before it can answer. It may be a new one each time
    an answer comes."""
    name = f"Remove the filter {filter}"
    screen.wait_for_text(APPLICATION, name)

    def gone() -> bool:
        screen.accessible("press", APPLICATION, name)
        return filter not in query(screen)

    wait_for(gone, f"the end of {filter}")


def asks(screen: Desktop, expected: str) -> None:
    try:
        wait_for(lambda: query(screen) == expected, expected)
    except AssertionError:
        assert query(screen) == expected


def choose(screen: Desktop, filter: str, row: str) -> None:
    """Chooses the first row of a filter's list, which is called `row`."""
    press(screen, filter)
    focus(screen, row)
    screen.keys("key", "Return")


def test_what_is_chosen_is_written_and_can_be_taken_away(window: Desktop) -> None:
    window.keys("type", "folder:Album")
    wait_for(lambda: shown(window), "pictures")
    window.keys("key", "ctrl+shift+f")
    choose(window, "Rating", "★★★★★, 1")
    asks(window, "folder:Album rating:>=5")
    wait_for(lambda: len(shown(window)) == 1, "the best one")
    window.wait_for_text(APPLICATION, "Rating: ★★★★★")
    choose(window, "Type", "JPEG")
    asks(window, "folder:Album rating:>=5 type:jpeg")
    press(window, "Rating: ★★★★★")
    focus(window, "Any")
    for row in ("★★★★★", "★★★★ or more", "★★★ or more, 2"):
        window.keys("key", "Down")
        focus(window, row)
    window.keys("key", "Return")
    asks(window, "folder:Album type:jpeg rating:>=3")
    wait_for(lambda: len(shown(window)) == 2, "those with three stars")
    remove(window, "rating:>=3")
    asks(window, "folder:Album type:jpeg")
    choose(window, "Type: JPEG", "Any")
    asks(window, "folder:Album")
    window.keys("key", "alt+Left")
    asks(window, "folder:Album type:jpeg")


def test_periods_and_months(window: Desktop) -> None:
    window.keys("key", "ctrl+shift+f")
    press(window, "Any time")
    press(window, "Today")
    asks(window, "on:today")
    press(window, "Any time: today")
    window.wait_for_text(APPLICATION, "Pictures over time: 15 from 2010 to")
    window.keys("key", *["Tab"] * 5)
    focus(window, "From")
    window.keys("key", "space", "Down", "Return")  # from the first year with a picture on
    window.wait_for_text(APPLICATION, "Pictures over time: 14 from 2011 to")
    wait_for(lambda: query(window).startswith("date:2011..20"), "the years")
    window.wait_for_text(APPLICATION, "Any time: 2011 – 20")
    texts = window.accessible("texts", APPLICATION)
    button = next(text for text in texts if text.startswith("Any time: 2011"))
    window.keys("key", "Escape")
    wait_for(lambda: "over time" not in str(window.accessible("texts", APPLICATION)), "its end")
    press(window, button)  # the lists say what is filtered by
    window.wait_for_text(APPLICATION, "Pictures over time: 14 from 2011 to")
    window.keys("key", *["Tab"] * 5)
    focus(window, "From")


def test_many_values_are_found_by_their_beginning(window: Desktop) -> None:
    window.keys("key", "ctrl+shift+f")
    press(window, "Place")
    window.wait_for_text(APPLICATION, "Lisbon, 2")
    window.keys("type", "lisb")
    wait_for(lambda: "Paris, 1" not in window.accessible("texts", APPLICATION), "only Lisbon")
    window.keys("key", "Return")
    asks(window, "near:Lisbon")
    wait_for(lambda: len(shown(window)) == 2, "those of Lisbon")


def test_the_order_is_chosen(window: Desktop) -> None:
    window.keys("type", "folder:Album")
    see(window, "IMG_0002.jpg")
    window.keys("key", "ctrl+shift+f")
    press(window, "Sort")
    press(window, "Oldest first")
    see(window, "astronaut, at work.jpg")
    window.wait_for_text(APPLICATION, "Sort: Oldest first")
    window.keys("key", "ctrl+f", "ctrl+a")
    window.keys("type", "name:IMG")
    see(window, "IMG_0003.jpg")


def test_what_may_follow_is_offered(window: Desktop) -> None:
    window.keys("type", "a cat tag:be")
    window.wait_for_text(APPLICATION, "tag:beach")
    window.keys("key", "Down", "Return")
    asks(window, "a cat tag:beach ")
    focus(window, FIELD)
    window.keys("type", "rat")
    window.wait_for_text(APPLICATION, "rating:")
    window.keys("key", "Down", "Tab")
    window.wait_for_text(APPLICATION, "rating:>=5")
    asks(window, "a cat tag:beach rating:")
    window.keys("key", "Escape")  # only what is offered goes
    window.keys("type", ">=4")
    wait_for(lambda: len(shown(window)) == 1, "the best beach")
    asks(window, "a cat tag:beach rating:>=4")


def test_queries_asked_before_are_offered(window: Desktop) -> None:
    window.user.search("a rocket at night", "-g")
    window.keys("type", "a ro")
    window.wait_for_text(APPLICATION, "a rocket at night")
    window.keys("key", "Down", "Return")
    asks(window, "a rocket at night")
    see(window, "rocket.jpg")
    window.keys("key", "Escape")
    asks(window, "")
    window.keys("key", "Down")  # what was asked lately
    window.wait_for_text(APPLICATION, "asked before")


def test_a_mistake_leaves_the_other_filters(window: Desktop) -> None:
    window.keys("type", "type:jpeg")
    window.wait_for_text(APPLICATION, "Remove the filter type:jpeg")
    window.keys("type", " near:Lisb")
    remove(window, "near:Lisb")
    window.wait_for_text(APPLICATION, "Remove the filter type:jpeg")
    asks(window, "type:jpeg")
