"""Keywords that the user chooses: written by the code that writes ours, and taken back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.photos import photo
from tags.bench import Bench
from tags.pictures import need_exiftool

CARRIERS = ("sidecar", "embedded", "xattr")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "library")
    yield made
    made.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "Pictures" / "a.jpg"
    path.parent.mkdir()
    photo("cat").save(path)
    return path


def state(folder: Path) -> dict[str, tuple[bytes, dict[str, bytes]]]:
    return {
        path.name: (
            path.read_bytes(), {name: os.getxattr(path, name) for name in os.listxattr(path)},
        )
        for path in folder.iterdir()
    }  # fmt: skip


def read(carrier: str, path: Path, tag: str) -> list[str]:
    """What exiftool finds there."""
    file = path.with_name(path.name + ".xmp") if carrier == "sidecar" else path
    command = ["exiftool", "-s3", "-sep", "|", f"-{tag}", str(file)]
    return (
        subprocess.run(command, capture_output=True, text=True, check=True)
        .stdout.strip()
        .split("|")
    )


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_word_is_written_and_taken_back_to_the_byte(
    bench: Bench, picture: Path, carrier: str
) -> None:
    need_exiftool()
    before = state(picture.parent)
    assert bench.give(carrier, picture, add=("Grandma's garden", "Lisbon")) == ["written"]
    if carrier == "xattr":
        assert os.getxattr(picture, "user.xdg.tags").decode() == "Grandma's garden,Lisbon"
    else:
        for tag in ("XMP-dc:Subject", "XMP-digiKam:TagsList", "XMP-lr:HierarchicalSubject"):
            assert read(carrier, picture, tag) == ["Grandma's garden", "Lisbon"], tag
    assert bench.give(carrier, picture, add=("Lisbon",)) == ["unchanged"]
    assert bench.give(carrier, picture, take=("lisbon",)) == ["written"]
    assert bench.words(carrier, picture) == ["Grandma's garden"]
    assert bench.give(carrier, picture, take=("Grandma's garden",)) == ["written"]
    assert state(picture.parent) == before
    assert bench.entry(carrier, picture) is None


@pytest.mark.parametrize("carrier", CARRIERS)
def test_it_stays_when_the_model_chooses_others(bench: Bench, picture: Path, carrier: str) -> None:
    need_exiftool()
    before = state(picture.parent)
    bench.write(carrier, ["animal/cat", "place/garden"], picture)
    assert bench.give(carrier, picture, add=("Lisbon",)) == ["written"]
    assert bench.write(carrier, ["animal/cat"], picture) == ["written"]
    assert sorted(bench.words(carrier, picture)) == ["Lisbon", "animal/cat"]
    assert bench.write(carrier, ["animal/cat", "city/lisbon"], picture) == ["unchanged"]
    if carrier != "xattr":
        tags = read(carrier, picture, "XMP-digiKam:TagsList")
        assert sorted(tags) == ["Lisbon", "csearch/animal/cat"], "no root above the user's own"
    assert bench.undo(carrier, picture) == ["written"]
    assert state(picture.parent) == before


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_word_of_ours_stays_once_it_is_given(bench: Bench, picture: Path, carrier: str) -> None:
    need_exiftool()
    before = state(picture.parent)
    bench.write(carrier, ["animal/cat", "place/garden"], picture)
    assert bench.give(carrier, picture, add=("Cat",)) == ["written"]
    assert bench.give(carrier, picture, add=("cat",)) == ["unchanged"]
    assert bench.write(carrier, ["place/beach"], picture) == ["written"]
    assert sorted(bench.words(carrier, picture)) == ["animal/cat", "place/beach"]
    if carrier != "xattr":
        tags = read(carrier, picture, "XMP-digiKam:TagsList")
        assert sorted(tags) == ["animal/cat", "csearch/place/beach"], "no root above the user's own"
    assert bench.give(carrier, picture, take=("cat",)) == ["written"]
    assert bench.words(carrier, picture) == ["place/beach"]
    assert bench.undo(carrier, picture) == ["written"]
    assert state(picture.parent) == before


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_word_of_ours_that_is_taken_back_does_not_return(
    bench: Bench, picture: Path, carrier: str
) -> None:
    need_exiftool()
    bench.write(carrier, ["animal/cat", "place/garden"], picture)
    assert bench.give(carrier, picture, take=("cat",)) == ["written"]
    assert bench.words(carrier, picture) == ["place/garden"]
    assert bench.write(carrier, ["animal/cat", "place/garden"], picture) == ["unchanged"]


def test_what_others_have_written_is_theirs(bench: Bench, picture: Path) -> None:
    need_exiftool()
    command = ["exiftool", "-q", "-overwrite_original", "-XMP-dc:Subject=Lisbon", str(picture)]
    subprocess.run(command, check=True)
    before = state(picture.parent)
    assert bench.give("embedded", picture, add=("Lisbon",)) == ["unchanged"]
    assert bench.give("embedded", picture, take=("Lisbon",)) == ["left"]
    assert "another program" in bench.reasons[os.fsencode(picture)]
    assert state(picture.parent) == before
