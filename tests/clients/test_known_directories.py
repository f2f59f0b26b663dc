"""What was read for a search and isn't watched: it is listed, and watching it is offered once."""

from __future__ import annotations

import os

import pytest
from home import Home

from support.user import wait_for

OFFER = "csearchctl add"


def searched(home: Home, *arguments: str) -> str:
    output, _ = home.terminal("csearch", *arguments, columns=400, TERM="dumb").finish()
    return output


@pytest.fixture
def two(home: Home) -> Home:
    """A user with two directories of pictures."""
    for name, photo in (("one", "cat"), ("two", "moon")):
        (home.pictures / name).mkdir()
        (path,) = home.take_photos((photo,))
        path.rename(home.pictures / name / path.name)
    return home


def test_the_first_search_of_a_folder_offers_to_watch_it(two: Home) -> None:
    first = searched(two, "--in", "one", "a", "cat")
    (line,) = (line for line in first.splitlines() if OFFER in line)
    assert line.endswith("add ~/Pictures/one")
    assert OFFER not in searched(two, "--in", "one", "a", "cat")
    # Also where nothing is found, and for each folder that is new.
    other = two.pictures / "with blank's"
    (two.pictures / "two").rename(other)
    assert f"{OFFER} '{two.pictures}/with blank'\"'\"'s'" in searched(
        two, "--in", str(other), "tag:x"
    )


def test_there_is_no_offer_without_a_terminal_for_nothing_or_for_what_is_watched(
    two: Home,
) -> None:
    done = two.ask("csearch", "--in", "one", "a cat")
    assert done.stderr and OFFER.encode() not in done.stderr
    two.csearchctl("add", two.pictures / "two")
    two.settle()
    assert OFFER not in searched(two, "--in", "two", "a", "moon")
    (two.pictures / "empty").mkdir()
    assert OFFER not in searched(two, "--in", "empty", "a", "moon")


def test_what_is_known_and_not_watched_is_listed(two: Home) -> None:
    two.csearch("a cat", "--in", two.pictures / "one")
    two.csearchctl("add", two.pictures / "two")
    two.settle()
    known = two.status()["known"]
    assert [(one["path"], one["images"]) for one in known] == [(str(two.pictures / "one"), 1)]
    for command in ("status", "roots"):
        output, _ = two.terminal("csearchctl", command, columns=200, TERM="dumb").finish()
        watched, _, others = output.partition("not watched")
        assert f"{two.pictures}/two" in watched and f"{two.pictures}/one" in others
        assert "csearchctl add DIR" in others and "csearchctl forget DIR" in others
    done = two.csearchctl("roots")  # in a pipe, for scripts
    assert done.stdout == os.fsencode(two.pictures / "two") + b"\n"
    assert b"not watched: " + os.fsencode(two.pictures / "one") + b" (1 picture)" in done.stderr


def test_a_known_folder_is_listed_without_the_watched_one_in_it(two: Home) -> None:
    two.csearch("a cat", "--in", two.pictures)
    two.csearchctl("add", two.pictures / "two")
    two.settle()
    known = two.status()["known"]
    assert [(one["path"], one["images"]) for one in known] == [(str(two.pictures), 1)]
    two.csearchctl("add", two.pictures)
    two.settle()
    assert two.status()["known"] == []
    two.csearchctl("remove", two.pictures)
    two.csearchctl("forget", two.pictures / "one", check=None)
    wait_for(lambda: two.status()["known"] == [], "nothing but the root to be known")


def test_a_finished_folder_has_no_notice_of_another_ones_reading(two: Home) -> None:
    there = ("--in", two.pictures / "one")
    two.csearch("a cat", *there)
    two.csearchctl("pause")
    two.csearchctl("add", two.pictures / "two")
    wait_for(lambda: two.status()["pending"] == 1, "the other picture to be known")
    assert two.csearch("a cat", *there).stderr == b""
    assert b"paused" in two.csearch("a moon", "--in", two.pictures / "two", check=None).stderr
    assert b"paused" in two.csearch("a moon", "-g", check=None).stderr
