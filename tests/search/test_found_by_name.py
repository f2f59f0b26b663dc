"""Pictures are found by words that only their files know, through the real commands."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.album import xmp
from support.photos import drawn, write_drawn
from support.user import User, wait_for


def write(path: Path, number: int, packet: bytes = b"") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    Image.open(io.BytesIO(drawn(number))).save(stream, "JPEG", xmp=packet)
    path.write_bytes(stream.getvalue())


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("u")) as someone:
        pictures = someone.pictures
        write_drawn(pictures, 30)
        for number, name in enumerate(
            ("moon.jpg", "Red_Coffee.jpg", "astronaut-1.jpg", "IMG_4711.jpg", "FullMoonParty.jpg"),
            1000,
        ):
            write(pictures / name, number)
        for number in range(1100, 1104):
            write(pictures / "Zermatt 2019" / "deep" / f"{number}.jpg", number)
        write(pictures / "a.jpg", 1200, xmp(("Waterfall",), title="Old Harbour", people=("Ida",)))
        write(pictures / "海辺の写真.jpg", 1201)
        write(pictures / "Überraschung.jpg", 1202)
        someone.csearchctl("add", pictures)
        someone.csearch("-g", "--wait", "anything")
        yield someone


def hits(user: User, *query: str, top: int = 5) -> list[dict[str, Any]]:
    done = user.csearch("-g", "--json", "-t", str(top), *query, check=None)
    return [json.loads(line) for line in done.stdout.splitlines()]


def first(user: User, *query: str) -> str:
    return Path(hits(user, *query)[0]["path"]).name


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("moon", "moon.jpg", ["moon"]),
        ("a cup of coffee", "Red_Coffee.jpg", ["coffee"]),
        ("portrait of an astronaut", "astronaut-1.jpg", ["astronaut"]),
        ("astronauts", "astronaut-1.jpg", ["astronauts"]),
        ("IMG_4711", "IMG_4711.jpg", ["4711"]),
        ("party", "FullMoonParty.jpg", ["party"]),
        ("old harbour", "a.jpg", ["old", "harbour"]),
        ("waterfalls", "a.jpg", ["waterfalls"]),
        ("ida", "a.jpg", ["ida"]),
        ("海辺", "海辺の写真.jpg", ["海辺"]),
        ("UBERRASCHUNG", "Überraschung.jpg", ["UBERRASCHUNG"]),
        ("überraschungen überraschung", "Überraschung.jpg", None),
        ("rasch überraschung", "Überraschung.jpg", None),
        ("raschung", "Überraschung.jpg", ["raschung"]),
    ],
)
def test_names(user: User, query: str, name: str, words: list[str] | None) -> None:
    best = hits(user, query)[0]
    assert Path(best["path"]).name == name
    assert best["rank"] == 1 and best["by_name"]
    assert words is None or best["by_name"] == words


def test_folders(user: User) -> None:
    found = hits(user, "zermatt")
    assert {hit["path"].split("/")[-3] for hit in found[:4]} == {"Zermatt 2019"}
    assert [bool(hit["by_name"]) for hit in found] == [True] * 4 + [False]
    inside = user.csearch("--json", "zermatt", cwd=user.pictures / "Zermatt 2019")
    lines = [json.loads(line) for line in inside.stdout.splitlines()]
    assert len(lines) == 4 and not any(hit["by_name"] for hit in lines)


@pytest.mark.parametrize(
    "query", ["of an", "a cup of", "IMG", "DSC photo image", "drawn - moon", "pictures"]
)
def test_words_that_say_nothing(user: User, query: str) -> None:
    assert not any("moon" in hit["path"] and hit["by_name"] for hit in hits(user, query))
    if "drawn" not in query:
        assert not any(hit["by_name"] for hit in hits(user, query))


def test_the_score_is_that_of_the_vector(user: User) -> None:
    every = {hit["path"]: hit for hit in hits(user, "moon", top=100)}
    scores = [hit["score"] for hit in every.values()]
    assert scores != sorted(scores, reverse=True)  # the order is another
    by_score = [hit["score"] for hit in hits(user, "moon", "--sort", "score", top=100)]
    assert by_score == sorted(scores, reverse=True)
    unlifted = [hit["score"] for hit in every.values() if not hit["by_name"]]
    assert unlifted == sorted(unlifted, reverse=True)
    plain = {hit["path"]: hit["score"] for hit in hits(user, "moon", "--sort", "name", top=100)}
    assert plain == {path: hit["score"] for path, hit in every.items()}


def test_limits_and_pages_hold(user: User) -> None:
    every = hits(user, "moon", top=100)
    least = sorted(hit["score"] for hit in every)[len(every) // 2]
    kept = hits(user, "moon", "--min-score", f"{least - 1e-6}", top=100)
    assert [hit["path"] for hit in kept] == [hit["path"] for hit in every if hit["score"] >= least]
    pages = [hit for start in range(0, len(every), 7)
             for hit in hits(user, "moon", "--offset", str(start), top=7)]  # fmt: skip
    assert [hit["path"] for hit in pages] == [hit["path"] for hit in every]


def test_what_is_below_the_least_score_is_no_answer(user: User) -> None:
    named = [hit["score"] for hit in hits(user, "moon", top=100) if hit["by_name"]]
    least = max(named) + 1e-5
    kept = user.csearch("-g", "--json", "--min-score", f"{least}", "moon", check=None)
    shown = [json.loads(line) for line in kept.stdout.splitlines()]
    assert not any(hit["by_name"] for hit in shown)
    weak = bool(shown) and all(hit["confidence"] == "weak" for hit in shown)
    assert (b"nothing matches well; nearest:" in kept.stderr) == weak
    best = user.csearch("-g", "--min-score", f"{max(named) - 1e-5}", "moon")
    assert b"nothing matches" not in best.stderr


def test_random_ones_of_what_is_found_by_name(user: User) -> None:
    named = {hit["path"] for hit in hits(user, "moon", top=100) if hit["by_name"]}
    assert named <= {hit["path"] for hit in hits(user, "--random", "moon", top=100)}
    sure = hits(user, "--random", "--min-confidence", "fair", "moon", top=100)
    assert all(hit["confidence"] != "weak" for hit in sure)
    done = user.csearch("-g", "--count", "--min-score", "5", "moon", check=1)
    assert done.stdout == b"0\n" and b"matches" not in done.stderr


def test_filters_come_before(user: User) -> None:
    assert not any(hit["by_name"] for hit in hits(user, "moon", "name:drawn*"))
    assert first(user, "moon", "not:name:moon.jpg") == "FullMoonParty.jpg"


def test_why(user: User) -> None:
    done = user.csearch("-g", "--why", "-t1", "moon")
    assert b"by name moon" in done.stdout
    done = user.csearch("-g", "-t1", "--format", "{name} {by_name}", "moon")
    assert done.stdout == b"moon.jpg moon\n"


def test_what_changes_is_found_at_once(user: User) -> None:
    folder = user.pictures / "new"
    write(folder / "lighthouse.jpg", 2000)
    user.csearchctl("rescan", folder)
    user.csearch("-g", "--wait", "x")
    assert first(user, "lighthouse") == "lighthouse.jpg"
    os.rename(folder / "lighthouse.jpg", folder / "windmill.jpg")
    wait_for(lambda: first(user, "windmill") == "windmill.jpg", "the new name")
    assert not any(hit["by_name"] for hit in hits(user, "lighthouse"))
    os.rename(folder, user.pictures / "Kyoto")
    wait_for(lambda: first(user, "kyoto") == "windmill.jpg", "the folder's new name")
    os.remove(user.pictures / "Kyoto" / "windmill.jpg")
    wait_for(lambda: not any(hit["by_name"] for hit in hits(user, "kyoto")), "it to be gone")


def test_filters_on_texts(user: User) -> None:
    assert [Path(hit["path"]).name for hit in hits(user, "title:harbour")] == ["a.jpg"]
    assert [Path(hit["path"]).name for hit in hits(user, "title:old*")] == ["a.jpg"]
    assert hits(user, "title:harbour", "not:title:old") == []
    assert hits(user, "description:harbour") == []
    with user.connect() as client:
        reply = client.ask(op="complete", what="title", prefix="old")
        assert reply["values"] == ["Old Harbour"]
        assert "description" in client.ask(op="complete", what="filters", prefix="d")["values"]


def test_negation_is_said(user: User) -> None:
    done = user.csearch("-g", "a cat without glasses", check=None)
    assert b'"a cat without glasses" is searched for as: a cat - glasses' in done.stderr
    assert done.stdout == user.csearch("-g", "a cat - glasses").stdout
    done = user.csearch("-g", "a cat that never sleeps", check=None)
    assert b'"never"' in done.stderr and b"dog - grass" in done.stderr


def test_a_language_is_said_once(user: User) -> None:
    said = b"knows English only"
    assert said in user.csearch("-g", "ein Hund und eine Katze").stderr
    assert said not in user.csearch("-g", "ein Hund und ein Pferd").stderr
    assert said not in user.csearch("-g", "a dog").stderr
    wait_for(lambda: _is_kept(user), "what was said to be kept")
    user.csearchctl("stop")
    assert said not in user.csearch("-g", "ein Hund und eine Maus").stderr


def _is_kept(user: User) -> bool:
    import sqlite3

    with sqlite3.connect(user.data / "library.sqlite") as database:
        return bool(
            database.execute("SELECT 1 FROM settings WHERE name = 'told_language'").fetchone()
        )
