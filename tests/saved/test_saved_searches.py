"""Queries with names: saved, listed, asked again, renamed and removed."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.album import write_photo
from support.user import User, wait_for


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user with three photos, two of them below a directory of their own."""
    with User(tmp_path_factory.mktemp("v")) as someone:
        trip = someone.pictures / "trip"
        trip.mkdir()
        write_photo(someone.pictures / "cat.jpg", "cat", taken="2024:01:01 12:00:00")
        write_photo(trip / "horse.jpg", "horse", taken="2024:03:01 12:00:00")
        write_photo(trip / "moon.jpg", "moon", taken="2024:02:01 12:00:00")
        someone.csearchctl("add", someone.pictures)
        someone.settle()
        yield someone


@pytest.fixture
def keeper(owner: User) -> Iterator[User]:
    """The same, with nothing saved before or after."""
    yield owner
    for search in listed(owner):
        owner.csearchctl("saved", "remove", name_of(search))


def listed(user: User) -> list[dict[str, object]]:
    output = user.csearchctl("saved", "list", "--json").stdout
    searches = [json.loads(line) for line in output.splitlines()]
    for search in searches:  # what tests of the folders look at
        for field in ("folder", "folder_b64", "links"):
            search.pop(field, None)
    return searches


def name_of(search: dict[str, object]) -> bytes:
    from base64 import b64decode

    encoded = search.get("name_b64")
    return b64decode(str(encoded)) if encoded else str(search["name"]).encode()


def names(user: User, *arguments: object, cwd: Path | str = "") -> list[str]:
    found = user.csearch("-0", *arguments, check=None, cwd=cwd or user.home).stdout
    return [os.path.basename(path).decode() for path in found.split(b"\0") if path]


def said(user: User, *arguments: object) -> str:
    done = user.csearchctl("saved", *arguments, check=2)
    assert b"Traceback" not in done.stderr
    return done.stderr.decode()


def test_without_a_place_it_is_about_all_that_is_known(keeper: User) -> None:
    keeper.csearchctl("saved", "add", "spring", "after:2024-02", "--sort", "name", cwd="/")
    assert names(keeper, "--saved", "spring", cwd="/") == ["horse.jpg", "moon.jpg"]
    (only,) = listed(keeper)
    assert only == {"name": "spring", "query": "after:2024-02", "sort": "name"}


def test_the_saved_place_is_searched_wherever_it_is_asked(keeper: User) -> None:
    place = keeper.pictures / "trip"
    keeper.csearchctl("saved", "add", "trip", "", "--sort=date", "--in", ".", cwd=place)
    for where in (keeper.home, "/"):
        assert names(keeper, "--saved", "trip", cwd=where) == ["horse.jpg", "moon.jpg"]
    assert listed(keeper)[0]["scopes"] == [str(place)]


def test_what_is_given_beside_it_wins(keeper: User) -> None:
    saved = ("saved", "add", "all", "after:2024", "--sort", "date", "--top", "2")
    keeper.csearchctl(*saved, "--in", keeper.pictures / "trip")
    assert names(keeper, "--saved", "all") == ["horse.jpg", "moon.jpg"]
    assert names(keeper, "--saved", "all", "-t", "1") == ["horse.jpg"]
    assert names(keeper, "--saved", "all", "--reverse") == ["moon.jpg", "horse.jpg"]
    assert names(keeper, "--saved", "all", "-g", "-t9", "--sort", "name") == [
        "cat.jpg", "horse.jpg", "moon.jpg",
    ]  # fmt: skip
    assert len(names(keeper, "--saved", "all", "--in", keeper.pictures, "-t9")) == 3
    assert b"2024" not in keeper.csearch("--saved", "all", "--json").stderr


def test_the_least_confidence_is_saved(keeper: User) -> None:
    keeper.csearchctl("saved", "add", "sure", "a cat", "--min-confidence", "strong")
    found = names(keeper, "--saved", "sure")
    assert found == names(keeper, "-g", "--min-confidence", "strong", "a cat")
    assert len(names(keeper, "--saved", "sure", "--min-confidence", "weak")) == 3


@pytest.mark.parametrize("folder", ["with blanks in it", "\udcff\u202e\n"])
def test_pictures_are_found_from_everywhere(keeper: User, tmp_path: Path, folder: str) -> None:
    place = tmp_path / folder
    place.mkdir()
    write_photo(place / "mine too.jpg", "horse")
    query = ("a picture", "+", "./mine too.jpg", "+", "2:./mine too.jpg")
    keeper.csearchctl("saved", "add", "like it", *query, cwd=place)
    # What is asked with isn't found: the same pixels as those of horse.jpg.
    assert sorted(names(keeper, "--saved", "like it", cwd="/")) == ["cat.jpg", "moon.jpg"]
    (only,) = keeper.csearchctl("saved", "list", "--json").stdout.splitlines()
    assert [
        name_of({"name": p["path"], "name_b64": p.get("path_b64")})
        for p in json.loads(only)["pictures"]
    ] == [os.fsencode(place / "mine too.jpg")] * 2
    (place / "mine too.jpg").unlink()
    done = keeper.csearch("--saved", "like it", check=2)
    assert b"mine too.jpg" in done.stderr and b"No such file" in done.stderr


def test_a_name_that_is_taken_is_refused_with_what_replaces_it(keeper: User) -> None:
    keeper.csearchctl("saved", "add", "pets", "a cat")
    assert "--replace" in said(keeper, "add", "pets", "a dog")
    assert listed(keeper)[0]["query"] == "a cat"
    keeper.csearchctl("saved", "add", "pets", "a dog", "--replace", "--top=3")
    assert listed(keeper) == [{"name": "pets", "query": "a dog", "top": 3}]
    keeper.csearchctl("saved", "add", "beasts", "a dog")
    assert "already" in said(keeper, "rename", "beasts", "pets")
    keeper.csearchctl("saved", "rename", "pets", "animals")
    assert [search["name"] for search in listed(keeper)] == ["animals", "beasts"]
    keeper.csearchctl("saved", "rename", "animals", "animals")


def test_any_name_of_a_file_will_do(keeper: User) -> None:
    odd = [b"\xff\xfe", b"a\nb\x1b[31m", "\u202ecats \u732b".encode(), b"x" * 255, b".hidden", b"-"]
    for name in odd:
        keeper.csearchctl("saved", "add", name, "a cat")
    assert sorted(map(name_of, listed(keeper))) == sorted(odd)
    assert sorted(name for name in odd if names(keeper, b"--saved=" + name)) == sorted(odd)
    plain = keeper.csearchctl("saved", "list").stdout
    assert len(plain.splitlines()) == len(odd) and b"\x1b" not in plain
    keeper.csearchctl("saved", "rename", odd[0], b"\xfe")
    assert b"a cat" in keeper.csearchctl("saved", "show", b"\xfe").stdout
    for name in ("", ".", "..", "a/b", "x" * 256):
        assert "can't be the name" in said(keeper, "add", name, "a cat")
        assert "can't be the name" in said(keeper, "rename", b"\xfe", name)


def test_what_cannot_be_saved(keeper: User) -> None:
    assert "no saved search none" in said(keeper, "show", "none")
    assert "no saved search none" in said(keeper, "remove", "none")
    assert "no saved search none" in said(keeper, "rename", "none", "one")
    assert "after" in said(keeper, "add", "x", "after:nonsense")
    assert "no such" in said(keeper, "add", "x", "a cat", "--in", "missing").lower()
    for query in ("https://example.org/x.jpg", "cat + 2:HTTP://x/y.png", "-"):
        assert "save the picture" in said(keeper, "add", "x", query)
    assert "needs an order" in said(keeper, "add", "x", "")
    assert "missing" in said(keeper, "add", "x")
    done = keeper.csearch("--saved", "none", check=2)
    assert b"csearchctl saved list" in done.stderr
    for other in (["a dog"], ["--like", "x.jpg"], ["--demo"]):
        assert b"--saved goes without" in keeper.csearch("--saved", "x", *other, check=2).stderr
    assert listed(keeper) == []


def test_what_a_newer_version_cannot_parse_is_kept_and_said(user: User) -> None:
    write_photo(user.pictures / "cat.jpg", "cat")
    user.search("x", "--in", user.pictures)
    user.csearchctl("saved", "add", "old", "a cat")
    user.csearchctl("saved", "add", "new", "a cat")
    user.csearchctl("stop")
    with sqlite3.connect(user.data / "library.sqlite") as database:
        database.execute("UPDATE saved_searches SET query = 'on:nonsense' WHERE name = x'6f6c64'")
        database.execute("UPDATE saved_searches SET sort = 'taste' WHERE name = x'6e6577'")
    database.close()
    done = user.csearchctl("saved", "list")
    assert done.stdout == b"new\ta cat\nold\ton:nonsense\n"
    assert b"old: " in done.stderr and b"nonsense" in done.stderr and b"new: " in done.stderr
    assert all("reason" in search for search in listed(user))
    assert b"nonsense" in user.csearchctl("saved", "show", "old").stderr
    assert user.csearch("--saved", "old", check=2).stderr
    user.csearchctl("saved", "add", "old", "a cat", "--replace")
    assert names(user, "--saved", "old") == ["cat.jpg"]


def test_they_outlive_the_service_and_are_told_when_lost(user: User) -> None:
    user.csearchctl("saved", "add", "pets", "a cat", "--in", user.pictures)
    user.csearchctl("stop")
    assert [search["name"] for search in listed(user)] == ["pets"]
    user.csearchctl("stop")
    for file in user.data.glob("library.sqlite*"):
        file.unlink()
    user.csearchctl("start")
    assert any("saved searches: pets" in note for note in user.status()["notes"])


def test_names_are_completed(keeper: User) -> None:
    keeper.csearchctl("saved", "add", "pets at home", "a cat")
    keeper.csearchctl("saved", "add", b"p\xff", "a cat")

    def await_completed(expected: bytes, *arguments: str) -> None:
        """Completion doesn't wait long for a service that is busy."""
        wait_for(
            lambda: expected in keeper.run("csearch.completing", *arguments).stdout,
            f"{arguments} to be completed",
        )

    await_completed(b"pets at home", "fish", "csearch", "--saved", "p")
    for action in ("show", "bookmark", "remove", "rename"):
        await_completed(b"pets at home", "fish", "csearchctl", "saved", action, "p")
    await_completed(b"words\npets\\ at\\ home\t\n", "zsh", "csearch", "", "--saved", "pets")
    await_completed(b"words\npets\\ at\\ home \n", "bash", "csearch", "csearch --saved=pe", "=: ")
    actions = keeper.run("csearch.completing", "fish", "csearchctl", "saved", "").stdout
    assert [line.split(b"\t")[0] for line in actions.splitlines()[1:]] == [
        b"add", b"list", b"show", b"bookmark", b"rename", b"remove",
    ]  # fmt: skip
