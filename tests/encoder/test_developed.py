"""Which JPEGs are beside a raw file, and how often their directory is listed for that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from csearchd.encoder.decoding.developed import DevelopedNames


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The directories that are listed from now on."""
    seen: list[int] = []
    listdir = os.listdir

    def counted(directory: int) -> list[str]:
        seen.append(directory)
        return listdir(directory)

    monkeypatch.setattr(os, "listdir", counted)
    return seen


def names_of(developed: DevelopedNames, directory: Path, name: bytes) -> list[bytes]:
    descriptor = os.open(directory, os.O_PATH)
    try:
        return developed.of(name, descriptor)
    finally:
        os.close(descriptor)


def test_a_directory_is_listed_once_for_all_raw_files(tmp_path: Path, listings: list[int]) -> None:
    for number in range(300):
        (tmp_path / f"{number}.NEF").touch()
        (tmp_path / f"{number}.jpg").touch()
    os.utime(tmp_path, (10**9, 10**9))
    developed = DevelopedNames()
    for number in range(300):
        found = names_of(developed, tmp_path, b"%d.NEF" % number)
        assert found == [b"%d.jpg" % number]
    assert len(listings) == 1


def test_changes_are_seen(tmp_path: Path, listings: list[int]) -> None:
    developed = DevelopedNames()
    (tmp_path / "a.nef").touch()
    assert names_of(developed, tmp_path, b"a.nef") == []
    (tmp_path / "A.JPG").touch()  # maybe within the tick of the clock that the last one was
    assert names_of(developed, tmp_path, b"a.nef") == [b"A.JPG"]
    os.utime(tmp_path, (10**9, 10**9))
    assert names_of(developed, tmp_path, b"a.nef") == [b"A.JPG"]
    (tmp_path / "A.JPG").unlink()
    assert names_of(developed, tmp_path, b"a.nef") == []


def test_few_directories_are_kept(tmp_path: Path, listings: list[int]) -> None:
    developed = DevelopedNames()
    for number in range(20):
        (tmp_path / str(number)).mkdir()
        os.utime(tmp_path / str(number), (10**9, 10**9))
        names_of(developed, tmp_path / str(number), b"a.nef")
    names_of(developed, tmp_path / "19", b"a.nef")
    assert len(listings) == 20
    names_of(developed, tmp_path / "0", b"a.nef")
    assert len(listings) == 21
