"""Pictures are found by the words in them, through the real commands.

The words are put into the library as a recogniser would.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.photos import drawn, write_drawn
from support.user import User, wait_for
from support.written import write_words

PAGES = {
    "drawn-00000.jpg": ("Hotel Post", "Invoice No. 4711", "Total 12,50"),
    "drawn-00001.jpg": ("Wi-Fi password: ab-9917", "the red dog sleeps on the sofa"),
    "drawn-00002.jpg": ("DRAFT", "secret plan"),
    "drawn-00003.jpg": ("東京駅 出口",),
    "drawn-00004.jpg": ("lnvoice 12",),
    "drawn-00005.jpg": (),
}


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("u"), reads_words=True) as someone:
        write_drawn(someone.pictures, 12)
        os.rename(someone.pictures / "drawn-00006.jpg", someone.pictures / "mysofabed.jpg")
        someone.csearchctl("add", someone.pictures)
        someone.csearch("-g", "--wait", "anything")
        write_words(someone, {someone.pictures / name: page for name, page in PAGES.items()})
        yield someone


def names(user: User, *query: str) -> list[str]:
    return sorted(path.name for path in user.search("-g", "-t", "50", *query, check=None))


def hits(user: User, *query: str) -> list[dict[str, Any]]:
    done = user.csearch("-g", "--json", *query, check=None)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("text:invoice", (0, 4)),
        ("text:INVOICE not:text:4711", (4,)),
        ('text:"wifi password"', (1,)),
        ("text:wi-fi", (1,)),
        ("text:9917", (1,)),
        ("text:東京", (3,)),
        ("text:hotel text:total", (0,)),
        ("text:nowhere", ()),
    ],
)
def test_filters(user: User, query: str, numbers: tuple[int, ...]) -> None:
    assert names(user, query) == [f"drawn-{number:05}.jpg" for number in numbers]


def test_the_opposite(user: User) -> None:
    found = names(user, "not:text:draft")
    assert len(found) == 11 and "drawn-00002.jpg" not in found
    assert user.csearch("-g", "--count", "not:text:draft").stdout == b"11\n"


@pytest.mark.parametrize("query", ["the red dog sleeps", "wifi password", "Invoice No. 4711"])
def test_a_quoted_text_comes_first(user: User, query: str) -> None:
    best = hits(user, query)[0]
    assert Path(best["path"]).name in ("drawn-00000.jpg", "drawn-00001.jpg")
    assert best["by_name"] and query.split()[-1].lower() in best["text"].lower()


def test_a_part_of_a_name_counts_beside_words_in_pictures(user: User) -> None:
    found = {Path(hit["path"]).name for hit in hits(user, "sofa") if "by_name" in hit}
    assert {"mysofabed.jpg", "drawn-00001.jpg"} <= found


def test_the_line_is_shown(user: User) -> None:
    (best,) = hits(user, "text:4711")
    assert best["text"] == "Invoice No. 4711"
    assert best["text_lines"][0] == {
        "text": "Invoice No. 4711",
        "box": pytest.approx([0.1, 0.1, 0.9, 0.1, 0.9, 0.2, 0.1, 0.2], abs=1e-4),
        "confidence": 0.9,
        "script": "Latn",
    }
    assert user.csearch("-g", "--format", "{name}: {text}", "text:4711").stdout == (
        b"drawn-00000.jpg: Invoice No. 4711\n"
    )
    assert b"text    Invoice No. 4711\n" in user.csearch("-g", "--why", "text:4711").stdout
    assert user.csearch("-g", "text:4711").stdout.count(b"\n") == 1
    assert user.csearch("-g", "--format", "{text}", "not:text:4711", "-t", "1").stdout == b"\n"


def test_what_a_picture_says(user: User) -> None:
    picture = user.pictures / "drawn-00000.jpg"
    said = b"Hotel Post\nInvoice No. 4711\nTotal 12,50\n"
    assert user.csearch("--text", picture).stdout == said
    copy = user.home / "copy elsewhere.jpg"
    copy.write_bytes(picture.read_bytes())
    assert user.csearch("--text", copy).stdout == said
    told = json.loads(user.csearch("--text", picture, "--json").stdout)
    assert [line["text"] for line in told["lines"]] == list(PAGES["drawn-00000.jpg"])
    assert user.csearch("--text", user.pictures / "drawn-00005.jpg", check=1).stdout == b""
    unknown = user.home / "unknown.jpg"
    unknown.write_bytes(drawn(4000))
    assert user.csearch("--text", unknown, check=1).stdout == b""
    unknown.write_bytes(b"no picture")
    assert b"unknown.jpg" in user.csearch("--text", unknown, check=2).stderr
    assert b"nothing.jpg" in user.csearch("--text", user.home / "nothing.jpg", check=2).stderr
    assert user.csearch("--text", picture, "dog", check=2).stdout == b""


def test_values_without_words(user: User) -> None:
    done = user.csearch("-g", "text:€", check=2)
    assert b"has neither letters nor digits" in done.stderr


def test_completion_offers_no_words(user: User) -> None:
    with user.connect() as client:
        for prefix in ("text:", "text:inv", "text:s", 'not:text:"h'):
            reply = client.ask(op="complete", what="query", prefix=prefix)
            assert "nvoice" not in str(reply) and "secret" not in str(reply)


def test_status_and_doctor_tell(user: User) -> None:
    names(user, "text:draft")  # starts the service
    wait_for(lambda: not user.status()["text"]["pending"], "the words of all pictures")
    status = user.status()
    assert status["text"] == {"read": status["images"], "pending": 0, "failed": 0}
    assert (status["state"], status["pending"]) == ("idle", 0)
    said = user.csearchctl("status").stdout.decode()
    assert "words" in said
    told = user.csearchctl("doctor", check=None).stdout.decode()
    assert "words in pictures are read (12 so far), in Latin, Chinese and Japanese script" in told


def test_it_can_be_turned_off(user: User) -> None:
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[text]\nenabled = false\n")
    user.csearchctl("reload")
    try:
        done = user.csearch("-g", "text:draft")
        assert b"drawn-00002" in done.stdout and b"text.enabled is false" in done.stderr
        assert "text.enabled is false" in user.status()["text_reason"]
    finally:
        user.config.unlink()
        user.csearchctl("reload")


def test_words_are_private(user: User) -> None:
    for file in user.data.glob("library*"):
        assert file.stat().st_mode & 0o077 == 0
    for word in ("9917", "4711", "secret plan"):
        assert word not in user.log()


def test_words_follow_their_pictures_and_are_forgotten(user: User) -> None:
    """The last test: it changes the library."""
    folder = user.pictures / "moved"
    folder.mkdir()
    before = user.status()["encoded"]
    os.rename(user.pictures / "drawn-00002.jpg", folder / "plan.jpg")
    user.csearch("-g", "--wait", "anything", "--in", user.pictures, check=None)
    user.csearch("--wait", "anything", "--in", user.pictures)
    assert names(user, "text:draft") == ["plan.jpg"] and user.status()["encoded"] == before
    done = user.csearchctl("text", "forget", folder)
    assert done.stdout == b"The words of 1 picture are forgotten.\n"
    assert names(user, "text:draft") == [] and names(user, "text:hotel") == ["drawn-00000.jpg"]
    assert b"csearchctl text read" in user.csearch("--text", folder / "plan.jpg", check=2).stderr
    user.csearchctl("stop")
    assert all(b"secret plan" not in each.read_bytes() for each in user.data.glob("library*"))
    assert user.csearchctl("text", "forget", check=2).stderr
    user.csearchctl("text", "forget", "--all")
    assert names(user, "text:hotel") == [] and user.status()["text"]["read"] == 0
