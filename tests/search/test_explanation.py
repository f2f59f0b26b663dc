"""--why: the parts of a query that a result matches, shared tags, and effects of filters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from csearchd.search.explanation import split
from support.user import User


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("w")) as someone:
        someone.take_photos()
        someone.search("x", "--in", someone.pictures)
        yield someone


def best(user: User, *query: object) -> dict[str, Any]:
    """The explanation of the best result."""
    done = user.csearch("--why", "--json", "-t", "1", "--in", user.pictures, *query)
    why: dict[str, Any] = json.loads(done.stdout)["why"]
    return why


def test_parts_of_the_query(owner: User) -> None:
    why = best(owner, "a cat on a rocket", "name:cat*")
    cat, rocket = why["parts"]
    assert (cat["text"], rocket["text"]) == ("a cat", "a rocket")
    assert cat["confidence"] in ("fair", "strong")
    assert rocket["confidence"] == "weak"
    assert cat["contribution"] > rocket["contribution"]
    assert "animal/cat" in why["terms"]


def test_the_contribution_is_what_the_score_would_lose(owner: User) -> None:
    score = {}
    for query in ("a cat on a table", "a cat", "a table"):
        row = owner.csearch("--json", "--in", owner.pictures, query, "name:cat.jpg").stdout
        score[query] = json.loads(row)["score"]
    whole = score.pop("a cat on a table")
    told = {part["text"]: part["contribution"] for part in best(owner, "a cat on a table")["parts"]}
    assert told["a cat"] == pytest.approx(whole - score["a table"], abs=2e-3)
    assert told["a table"] == pytest.approx(whole - score["a cat"], abs=2e-3)


def test_subtracted_parts_and_pictures(owner: User, tmp_path: Path) -> None:
    parts = best(owner, "tiger", "-", "./Pictures/horse.jpg")["parts"]
    assert [(part["text"], part["weight"]) for part in parts] == [("tiger", 1), ("horse.jpg", -1)]
    shown = text(owner, "a cat - a rocket")
    assert "cat (+" in shown and "misses" not in shown
    (met,) = (line for line in shown.splitlines() if line.startswith("\tmeets"))
    assert "- rocket (" in met  # it is as wished: without one


def text(user: User, *query: object) -> str:
    done = user.csearch("--why", "-t", "1", "--in", user.pictures, *query)
    return done.stdout.decode()


def test_as_text(owner: User) -> None:
    path, *lines = text(owner, "a cat on a rocket", "name:cat*").splitlines()
    assert path == str(owner.pictures / "cat.jpg")
    assert lines[0].split()[0] in ("meets", "partly")
    assert [line.split()[0] for line in lines[1:]] == ["misses", "by", "shows"]
    assert "animal/cat" in lines[3]
    assert owner.csearch("-0", "--why", "-t", "1", "--in", owner.pictures, "cat").stdout.endswith(
        b".jpg\0"
    )


def test_what_filters_did(owner: User) -> None:
    done = owner.csearch("--why", "--in", owner.pictures, "cat", "name:c*", "not:name:cat*")
    assert done.stderr.decode().splitlines()[-1] == (
        "csearch: name:c* leaves 3, not:name:cat* leaves 7 of 8 pictures; together 2"
    )
    alone = owner.csearch("--why", "--in", owner.pictures, "type:png", check=1).stderr
    assert b"type:png leaves 0 of 8 pictures" in alone


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("two parrots on a branch", ["two parrots", "a branch"]),
        ("a red boat", ["red", "boat"]),
        ("sunset", ["sunset"]),
        ("a man in the snow with his dog", ["a man", "the snow", "his dog"]),
        ("in the", ["in the"]),
        ("", []),
    ],
)
def test_phrases(query: str, parts: list[str]) -> None:
    assert split(query) == parts
