"""A wrong place: a terminal is told how much there is, and `csearchctl forget` takes it back."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest

from support.user import SECONDS, User, wait_for

MANY = 20_200


@pytest.fixture
def crowd(user: User) -> Path:
    """A directory of very many files that may be pictures."""
    top = user.home / "wrong place"
    for start in range(0, MANY, 1000):
        part = top / f"{start:06}"
        part.mkdir(parents=True)
        for number in range(start, min(start + 1000, MANY)):
            os.close(os.open(part / f"{number}.jpg", os.O_CREAT | os.O_WRONLY))
    return top


def on_terminal(user: User, module: str, *arguments: str) -> pexpect.spawn:
    return pexpect.spawn(
        sys.executable,
        ["-P", "-m", module, *arguments],
        env={**user.environment, "TERM": "xterm", "LC_ALL": "C.UTF-8"},
        cwd=str(user.home),
        dimensions=(24, 120),
        timeout=SECONDS,
        encoding="utf-8",
        use_poll=True,
    )


@pytest.mark.parametrize("command", ["search", "dupes"])
def test_a_terminal_is_told_of_very_many_pictures(user: User, crowd: Path, command: str) -> None:
    asked = {"search": ["--in", str(crowd), "dog"], "dupes": ["dupes", str(crowd)]}[command]
    module = "csearch.search" if command == "search" else "csearch.control"
    terminal = on_terminal(user, module, *asked)
    terminal.expect(r"There are 2\d,\d\d\d pictures to be read in '[^']*/wrong place'")
    terminal.expect(r"Ctrl-C, then csearchctl forget '([^']*/wrong place)'")
    assert terminal.match.group(1) == str(crowd)
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()

    user.csearchctl("forget", crowd)
    status = user.settle()
    assert (status["images"], status["pending"], status["failed"]) == (0, 0, 0)
    # And nothing of it comes back with what is read next.
    user.take_photos(("cat",))
    assert user.search("a cat", "--in", user.pictures)
    status = user.settle()
    assert (status["images"], status["failed"]) == (1, 0)


def test_forgetting_ends_the_wait_of_who_searches_there(user: User, crowd: Path) -> None:
    user.start()
    search = user.begin("csearch.search", "--in", crowd, "dog")
    wait_for(lambda: user.status()["pending"] > 1000, "a directory that is read")
    user.csearchctl("forget", crowd)
    output, errors = search.communicate(timeout=SECONDS)
    assert search.returncode == 1 and output == b"", errors
    assert user.settle()["pending"] == 0


def test_a_scan_above_leaves_out_what_is_forgotten(user: User, crowd: Path) -> None:
    (cat,) = user.take_photos(("cat",))
    user.start()
    search = user.begin("csearch.search", "-0", "--in", user.home, "a cat")
    wait_for(lambda: user.status()["pending"] > 1000, "a directory that is read")
    user.csearchctl("forget", crowd)
    output, _ = search.communicate(timeout=SECONDS)
    assert search.returncode == 0 and output == bytes(cat) + b"\0"
    assert user.settle()["images"] == 1


def test_a_watched_directory_inside_is_still_scanned(user: User, crowd: Path) -> None:
    """All of it is found, though what is above is forgotten meanwhile."""
    user.csearchctl("add", crowd)
    wait_for(lambda: user.status()["pending"] > 100, "a directory that is scanned")
    user.csearchctl("forget", user.home)
    wait_for(lambda: not user.status()["scanning"], "the end of the scan")
    status = user.status()
    assert status["images"] + status["pending"] + status["failed"] == MANY


def test_watched_directories_inside_are_kept(user: User) -> None:
    (cat,) = user.take_photos(("cat",))
    user.csearchctl("add", user.pictures)
    user.settle()
    done = user.csearchctl("forget", user.home)
    assert b"0 files forgotten." in done.stdout
    assert f"{user.pictures} is watched and was kept".encode() in done.stdout
    assert user.search("a cat", "-g") == [cat]
    assert user.csearchctl("forget", user.pictures).stdout == b"1 file forgotten.\n"
