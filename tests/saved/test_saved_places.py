"""The directories that a saved search is about, when they are moved or go."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from support.album import write_photo
from support.user import User, wait_for


@pytest.fixture
def owner(user: User) -> User:
    """A user with photos in a directory of their own, two levels below the watched one."""
    for number, name in enumerate(("cat", "horse"), 1):
        place = user.pictures / "trips" / "sea"
        write_photo(place / f"{name}.jpg", name, taken=f"2024:0{number}:01 12:00:00")
    write_photo(user.pictures / "moon.jpg", "moon", taken="2024:03:01 12:00:00")
    user.csearchctl("add", user.pictures)
    user.settle()
    user.csearchctl("saved", "add", "sea", "after:2024", "--in", user.pictures / "trips" / "sea")
    return user


def targets(user: User) -> set[str]:
    folder = user.data / "saved" / "sea"
    return {os.readlink(folder / name) for name in os.listdir(folder)}


def places(user: User) -> list[str]:
    (only,) = user.csearchctl("saved", "list", "--json").stdout.splitlines()
    found: list[str] = json.loads(only)["scopes"]
    return found


def said(user: User) -> str:
    return user.csearchctl("saved", "show", "sea").stderr.decode()


def test_it_follows_a_renamed_directory(owner: User) -> None:
    (owner.pictures / "trips").rename(owner.pictures / "journeys")
    place = owner.pictures / "journeys" / "sea"
    wait_for(lambda: places(owner) == [str(place)], "the renamed directory")
    _shows(owner, place, {"cat.jpg", "horse.jpg"})
    place.rename(owner.pictures / "ocean")
    write_photo(owner.pictures / "ocean" / "rocket.jpg", "rocket", taken="2024:05:01 12:00:00")
    _shows(owner, owner.pictures / "ocean", {"cat.jpg", "horse.jpg", "rocket.jpg"})
    assert places(owner) == [str(owner.pictures / "ocean")]
    assert said(owner) == ""


def test_what_has_gone_is_said(owner: User) -> None:
    place = owner.pictures / "trips" / "sea"
    shutil.move(place, owner.home / "elsewhere")
    wait_for(lambda: str(place) in said(owner), "what has gone")
    wait_for(lambda: targets(owner) == set(), "the links to go")
    assert b"--replace" in owner.csearchctl("saved", "list").stderr
    assert b"sea" in owner.csearch("--saved", "sea", check=2).stderr
    shutil.move(owner.home / "elsewhere", place)
    _shows(owner, place, {"cat.jpg", "horse.jpg"})
    assert said(owner) == ""


def _shows(user: User, place: Path, names: set[str]) -> None:
    wait_for(lambda: targets(user) == {str(place / name) for name in names}, "the links")
