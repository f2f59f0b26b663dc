"""Filters, order and output, end to end: the real command, the real service, real metadata."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.album import write_album
from support.photos import write_drawn
from support.user import User, wait_for

A, B, C = "IMG_0001", "IMG_0002", "IMG_0003"
REST = ["horse", "moon", "Acme Cola", "astronaut, at work"]  # latest first
ALL = [B, A, C, *REST]


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("a")) as someone:
        write_album(someone.pictures)
        someone.search("x", "--in", someone.pictures)
        yield someone


def found(user: User, *arguments: object, check: int | None = None) -> list[str]:
    """The names of the results, without suffix."""
    return [path.stem for path in user.search("--in", user.pictures, *arguments, check=check)]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("after:2023-05", [B, A]),
        ("after:2023-06", [B]),
        ("before:2019", ["Acme Cola", "astronaut, at work"]),
        ("on:2023-05-17", [A]),
        ("on:2023", [B, A]),
        ("date:2023-06..2023-08", [B]),
        ("date:..2018", ["Acme Cola", "astronaut, at work"]),
        ("date:2020..2021-12", [C, "horse"]),
        ('on:"May 2023"', [A]),
        ('on:"summer 2021"', [C]),
        ("not:after:2019", ["Acme Cola", "astronaut, at work"]),
        ("near:Lisbon", [B, A]),
        ('near:"Lisbon, 0.5km"', []),
        ("near:Lisboa", [B, A]),
        ('near:"38.7,-9.1,10km"', [B, A]),
        ('near:"48.85,2.35"', [C]),
        ("not:near:Lisbon", [C, *REST]),
        ("camera:nikon", [A]),
        ('camera:"nikon d750"', [A]),
        ("camera:eos", [B]),
        ("lens:50mm", [A]),
        ("iso:>800", [A]),
        ("iso:>=800", [A, C]),
        ("iso:800", [C]),
        ("iso:<=100", [B]),
        ("iso:100..800", [B, C]),
        ("tag:beach", [B, A]),
        ("tag:beach tag:old", [A]),
        ("tag:beach not:tag:old", [B]),
        ("TAG:Beach", [B, A]),
        ("rating:>=4", [A]),
        ("rating:3..5", [B, A]),
        ("name:IMG_*", [B, A, C]),
        ("name:img_000?.jpg", [B, A, C]),
        ("name:moon", ["moon"]),
        ("name:IMG*2.jpg", [B]),
        ("not:name:IMG_*", REST),
        ("folder:2023", [B, A]),
        ("folder:holidays", [B, A, C]),
        ("folder:Holidays/2021", [C]),
        ("folder:202?", [B, A, C]),
        ("type:png", ["moon"]),
        ("type:raw", []),
        ("size:>10MP", [B]),
        ("size:12MP", [B]),
        ("orientation:portrait", [A]),
        ("orientation:square", ["moon"]),
        ("after:2020 tag:beach iso:<1000", [B]),
    ],
)
def test_filters(owner: User, query: str, names: list[str]) -> None:
    """A query with filters only gives all matches, the latest first."""
    assert found(owner, query) == names


def test_filters_come_before_ranking(owner: User) -> None:
    assert found(owner, "a", "cat", "-t", "1") == [A]
    assert found(owner, "a", "cat", "not:tag:old", "-t", "1") != [A]
    assert sorted(found(owner, "a cat tag:beach")) == [A, B]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("cat camra:nikon", "did you mean camera:? (at character 5)"),
        ("after:yonder", "is not a date"),
        ("on:03/04/2023", "two ways"),
        ("on:2023-02-31", "there is no 2023-02-31"),
        ("near:Atlantis-on-Sea", "no place"),
        ("near:91,0", "-90 to 90"),
        ("iso:many", "not a number"),
        ("size:>10", "size:>10MP"),
        ("type:doc", "not one of jpeg"),
        ("orientation:up", "not one of portrait"),
        ("cat +", "nothing follows +"),
        ("cat - cat", "cancel"),
    ],
)
def test_errors(owner: User, query: str, said: str) -> None:
    done = owner.csearch("--in", owner.pictures, query, check=2)
    assert said.replace("camera:?", "camera:") in done.stderr.decode().replace(
        "camera:); put it in quotes to search for it as text", "camera:"
    )
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--sort", "date", "--reverse"], ALL[::-1]),
        (["--sort", "name"], sorted(ALL, key=str.casefold)),
        (["--sort", "size", "-t", "2"], [B, "moon"]),
        (["--offset", "2", "-t", "3"], ALL[2:5]),
        (["--offset", "7"], []),
    ],
)
def test_order_and_pages_of_filters_alone(
    owner: User, arguments: list[str], names: list[str]
) -> None:
    result = found(owner, "after:1990", *arguments)
    if "size" in arguments:
        assert result[0] == names[0]
    else:
        assert result == names


def test_order_of_the_best(owner: User) -> None:
    best = found(owner, "a cat", "-t", "3")
    assert found(owner, "a cat", "-t", "3", "--reverse") == best[::-1]
    assert found(owner, "a cat", "-t", "3", "--sort", "name") == sorted(best, key=str.casefold)
    assert found(owner, "a cat", "-t", "3", "--sort", "date") == [n for n in ALL if n in best]
    assert found(owner, "a cat", "--offset", "1", "-t", "2") == best[1:]


def lines(user: User, *arguments: object) -> list[str]:
    return user.csearch("--in", user.pictures, *arguments).stdout.decode().splitlines()


def test_count_and_least_score(owner: User) -> None:
    assert lines(owner, "--count", "tag:beach") == ["2"]
    every = ("--min-confidence", "weak")
    assert lines(owner, "--count", *every, "cat", "not:tag:beach") == ["5"]
    scores = [json.loads(row)["score"] for row in lines(owner, "--json", "cat")]
    middle = (scores[2] + scores[3]) / 2
    assert len(lines(owner, "cat", "--min-score", middle)) == 3
    assert lines(owner, "--count", "cat", "--min-score", middle) == ["3"]
    assert owner.csearch("--in", owner.pictures, "--count", "tag:no", check=1).stdout == b"0\n"


def test_json_tells_everything(owner: User) -> None:
    (row,) = (json.loads(line) for line in lines(owner, "--json", "cat on:2023-05-17"))
    assert row["path"] == str(owner.pictures / "Holidays/2023/IMG_0001.jpg")
    assert row["rank"] == 1
    assert isinstance(row["score"], float)
    expected = {
        "date": "2023-05-17T10:30:00", "dated": True, "place": "Lisbon, Portugal",
        "camera": "NIKON CORPORATION NIKON D750", "lens": "AF-S Nikkor 50mm f/1.8G", "iso": 1600,
        "exposure": 0.004, "aperture": 2.8, "focal_length": 50.0,
        "rating": 5, "title": "Felix", "keywords": ["beach", "old"], "width": 300, "height": 400,
        "format": "JPEG", "latitude": 38.71,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    (row,) = (json.loads(line) for line in lines(owner, "--json", "type:png"))
    assert (row["score"], row["rank"], row["place"]) == (None, 1, None)


def test_templates(owner: User) -> None:
    template = r"{name}\t{date}\t{place}\t{keywords}\\{{{rank}}}"
    assert lines(owner, "--format", template, "--offset", "1", "near:Lisbon") == [
        "IMG_0001.jpg\t2023-05-17T10:30:00\tLisbon, Portugal\tbeach, old\\{2}"
    ]
    raw = owner.csearch("--in", owner.pictures, "--format", r"{path}\0", "tag:old").stdout
    assert raw == os.fsencode(owner.pictures / "Holidays/2023/IMG_0001.jpg") + b"\0"
    for wrong, said in (("{nmae}", b"known are path"), ("{name", b"single {")):
        done = owner.csearch("--format", wrong, "cat", check=2)
        assert said in done.stderr


def test_what_cannot_be_decoded_is_no_picture(user: User) -> None:
    """Its header was read: that counts for filters only while it can be seen."""
    good, bad = write_drawn(user.pictures, 2)
    jpeg = bad.read_bytes()
    bad.write_bytes(jpeg[: jpeg.index(b"\xff\xda")])  # without its picture
    user.csearchctl("add", user.pictures)
    assert user.settle()["failed"] == 1
    assert user.search("type:jpeg", "-g") == [good]
    assert user.search("--random", "-g", "-t", "5") == [good]
    with user.connect() as client:
        values = client.ask(op="choices", what="type")["choices"]
    assert [(value["value"], value["count"]) for value in values] == [("jpeg", 1)]
    counted = user.csearch("--count", "-g", "type:jpeg")
    assert (counted.stdout, counted.stderr) == (b"1\n", b"csearch: of 1\n")
    bad.write_bytes(jpeg)
    wait_for(lambda: set(user.search("type:jpeg", "-g")) == {good, bad}, "both")


def test_a_picture_without_a_date_counts_by_its_file(user: User) -> None:
    (path,) = user.take_photos(("cat",))
    os.utime(path, (1_500_000_000, 1_500_000_000))
    user.search("x", "--in", user.pictures)
    assert found(user, "on:2017-07-14") == ["cat"]
    assert found(user, "after:2018") == []
    (row,) = (json.loads(line) for line in lines(user, "--json", "on:2017"))
    assert row["dated"] is False
    assert row["date"].startswith("2017-07-14")


def test_a_label_raises_what_it_names(owner: User, tmp_path: Path) -> None:
    tin = owner.pictures / "Tins/Acme Cola.jpg"
    other = tmp_path / "tin.jpg"
    other.write_bytes((owner.pictures / "horse.jpg").read_bytes())
    plain = lines(owner, "--like", other, "--format", "{name} {score}")
    labelled = lines(
        owner, "--like", other, "--label", "ACME cola", "--blend", 0, "--format", "{name} {score}"
    )
    score = {row.rpartition(" ")[0]: float(row.rpartition(" ")[2]) for row in labelled}
    bare = {
        row.rpartition(" ")[0]: float(row.rpartition(" ")[2])
        for row in lines(owner, "ACME cola", "--format", "{name} {score}")
    }
    assert score[tin.name] == pytest.approx(bare[tin.name] + 0.25, abs=1e-3)
    assert score["moon.png"] == pytest.approx(bare["moon.png"], abs=1e-3)
    assert lines(owner, "--like", other, "--label", "x y", "--blend", 1)[0].endswith(
        plain[0].rpartition(" ")[0]
    )
    assert owner.csearch("--label", "x", "cat", check=2).stderr


def test_many_results_are_those_of_few_at_a_time(user: User) -> None:
    """Their files are looked up in another way, while another thread computes confidences."""
    write_drawn(user.pictures, 130)
    asked = ("--in", user.pictures, "--format", "{path} {score} {confidence}", "a red square")
    user.csearch(*asked)
    whole = user.csearch("-t", 1000, *asked).stdout.splitlines()
    assert len(whole) == 130
    parts = [user.csearch("-t", 50, "--offset", n, *asked).stdout for n in (0, 50, 100)]
    assert b"".join(parts).splitlines() == whole
