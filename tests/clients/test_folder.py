"""A folder of results: real links, in a real runtime directory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from support.photos import write_photos
from support.user import User, wait_for


def folder(user: User, *arguments: object, check: int = 0) -> Path:
    printed = user.csearch("--folder", *arguments, check=check).stdout
    return Path(os.fsdecode(printed.removesuffix(b"\n")))


def test_links_to_the_best_in_their_order(settled: User) -> None:
    made = folder(settled, "a cup of coffee", "--in", settled.pictures)
    assert made == settled.runtime / "csearch" / "results" / "a cup of coffee"
    assert made.parent.parent.stat().st_mode & 0o777 == 0o700
    links = sorted(os.listdir(made))
    best = settled.search("a cup of coffee", "--in", settled.pictures)
    assert [made.joinpath(link).readlink() for link in links] == best
    assert links[0] == "001 coffee.jpg"


def test_the_same_search_again_takes_its_place(settled: User) -> None:
    folder(settled, "a cat", "--in", settled.pictures)
    made = folder(settled, "a cat", "-t", "2", "--in", settled.pictures)
    assert sorted(link.split()[0] for link in os.listdir(made)) == ["1", "2"]
    assert not [name for name in os.listdir(made.parent) if name.startswith(".")]


def test_names_that_no_folder_can_have(user: User) -> None:
    long = "x" * 245 + ".jpg"
    write_photos(user.pictures, ("cat",))[0].rename(user.pictures / long)
    made = folder(user, "../a/b\n" + "ä" * 200, "--in", user.pictures)
    assert made.parent.name == "results" and len(os.fsencode(made.name)) <= 100
    assert made.name.startswith("a b ä")
    (link,) = os.listdir(made)
    assert link.endswith(".jpg") and (made / link).readlink() == user.pictures / long


@pytest.mark.parametrize("query", [".. ..", b"\xff\xfe"])
def test_words_that_name_no_folder(settled: User, query: str | bytes) -> None:
    made = folder(settled, query, "--in", settled.pictures)
    assert (made.parent.name, made.name) == ("results", "pictures")


def test_nothing_found_leaves_nothing(settled: User) -> None:
    printed = settled.csearch("--folder", "name:none", "--in", settled.pictures, check=1)
    assert not printed.stdout
    assert not (settled.runtime / "csearch" / "results" / "name:none").exists()


def test_the_service_removes_old_ones(user: User) -> None:
    user.take_photos(("cat",))
    old = folder(user, "an old one", "--in", user.pictures)
    new = folder(user, "a new one", "--in", user.pictures)
    users = folder(user, "with a file of the user", "--in", user.pictures)
    (users / "notes").write_text("mine")
    before = time.time() - 2 * 86400
    for made in (old, users):
        os.utime(made, (before, before))
    user.csearchctl("stop")
    user.start()
    wait_for(lambda: not old.exists(), "the end of an old folder")
    assert new.exists() and (users / "notes").read_text() == "mine"
    assert (user.pictures / "cat.jpg").exists()
