"""csearchctl history, and which queries are kept at all; csearchctl failed --retry."""

from __future__ import annotations

import pytest

from support.user import User, wait_for


@pytest.fixture
def asked(user: User) -> User:
    """A user who has asked, and found something each time."""
    user.take_photos(("cat", "moon"))
    for query in ("a cat", "the moon", "a  cat", "name:moon*"):
        user.search(query, "--in", user.pictures)
    wait_for(lambda: listed(user)[-1:] == ["name:moon*"], "the last query to be kept")
    return user


def listed(user: User) -> list[str]:
    return user.csearchctl("history").stdout.decode().splitlines()


def offered(user: User, *words: str) -> list[str]:
    done = user.run("csearch.completing", "fish", "csearch", *words, check=None)
    lines = done.stdout.decode().splitlines()
    return [line.partition("\t")[0] for line in lines if line.endswith("\tasked before")]


def test_past_queries_are_listed_the_latest_last(asked: User) -> None:
    done = asked.csearchctl("history")
    assert done.stdout.decode().splitlines() == ["the moon", "a cat", "name:moon*"]
    assert b"3 past queries; csearchctl history clear deletes them." in done.stderr
    assert asked.csearchctl("history", "clear").stdout == b"3 past queries deleted.\n"
    done = asked.csearchctl("history")
    assert done.stdout == b"" and b"No past queries are kept yet." in done.stderr


def test_where_none_are_kept_that_is_said(asked: User) -> None:
    asked.config.parent.mkdir(parents=True, exist_ok=True)
    asked.config.write_text("[history]\nkeep = false\n")
    asked.csearchctl("reload")
    asked.search("a rocket", "--in", asked.pictures)
    done = asked.csearchctl("history")
    assert b"a rocket" not in done.stdout and b"keep = false" in done.stderr


def test_queries_that_found_nothing_are_not_offered(asked: User) -> None:
    there = ("--in", asked.pictures)
    for query in ("tag:nothing", "a cat name:nothing", "after:2100", "a cat rating:5"):
        asked.search(query, *there, check=1)
    asked.csearch("--count", "tag:none", *there, check=1)
    asked.csearch("--min-score", "2", "a dog", *there, check=1)
    asked.search("the cat", *there)  # kept after all of them
    wait_for(lambda: "the cat" in offered(asked, ""), "the last query to be kept")
    assert listed(asked) == ["the moon", "a cat", "name:moon*", "the cat"]
    assert asked.csearch("--count", "name:cat*", *there).stdout == b"1\n"
    wait_for(lambda: listed(asked)[-1] == "name:cat*", "what was counted to be kept")


def test_pictures_that_are_tried_again_are_counted_without_directories(user: User) -> None:
    user.take_photos(("cat",))
    for name in ("a", "b"):
        (user.pictures / f"{name}.jpg").write_bytes(b"\xff\xd8\xff" + name.encode() * 1000)
    user.search("a cat", "--in", user.pictures)
    assert len(user.csearchctl("failed").stdout.splitlines()) == 2
    user.csearch("--text", user.pictures / "a.jpg", check=2)  # its words can't be read, either
    done = user.csearchctl("failed", "--retry")
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == b"2 pictures will be tried again.\n"
    user.settle()
    (user.pictures / "a.jpg").unlink()
    user.search("a cat", "--wait", "--in", user.pictures)
    assert user.csearchctl("failed", "--retry").stderr == b"1 picture will be tried again.\n"
    (user.pictures / "b.jpg").unlink()
    user.search("a cat", "--wait", "--in", user.pictures)
    for arguments in ((), ("--retry",)):
        assert user.csearchctl("failed", *arguments).stderr == b"Every picture could be read.\n"
