"""exFAT, as on a camera's card: no attributes, modes, links or renameat2(2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.disk import Disk, missing
from support.photos import write_drawn, write_photos
from support.user import User
from tags.pictures import need_exiftool
from watch.following import wait_until_equal

pytestmark = pytest.mark.skipif(bool(missing("exfat-fuse")), reason=missing("exfat-fuse"))


@pytest.fixture
def card(user: User, tmp_path: Path) -> Iterator[Path]:
    """The mount point, which is a watched root."""
    disk = Disk(tmp_path / "card.img", "exfat-fuse")
    point = disk.mount(user.home / "card")
    write_photos(point, ("cat", "gravel", "brick"))
    (point / "cat.jpg").rename(point / "CAT0001.JPG")
    user.start()
    user.csearchctl("add", point)
    wait_until_equal(user, point)
    yield point
    user.end()
    disk.remove()


def state(card: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in card.iterdir()
        # FUSE keeps a replaced file under such a name while the tagger has it open.
        if not path.name.startswith(".fuse_hidden")
    }


@pytest.mark.parametrize("mode", ["sidecar", "embedded"])
def test_tags_and_back(user: User, card: Path, mode: str) -> None:
    if mode == "embedded":
        need_exiftool()
    before = state(card)
    encoded = user.settle()["encoded"]
    done = user.csearchctl("tags", "write", "--mode", mode, card)
    after = state(card)
    assert b"2 pictures tagged" in done.stdout and after != before
    again = user.csearchctl("tags", "write", "--mode", mode, card)
    assert b"0 pictures tagged" in again.stdout and state(card) == after
    user.csearchctl("tags", "undo", card)
    assert state(card) == before
    assert user.settle()["encoded"] == encoded


def test_without_attributes_there_is_nothing_to_take_back(user: User, card: Path) -> None:
    before = state(card)
    done = user.csearchctl("tags", "write", "--mode", "xattr", card, check=2)
    assert b"no extended attributes; use --mode sidecar" in done.stderr
    undone = user.csearchctl("tags", "undo", card)
    assert b"0 pictures restored" in undone.stdout and not undone.stderr
    assert state(card) == before


def test_what_is_renamed_is_not_read_again(user: User, card: Path) -> None:
    write_drawn(card / "trip", 3)
    wait_until_equal(user, card)
    before = user.settle()["encoded"]
    for old, new in (
        ("trip", "summer"),
        ("summer/drawn-00000.jpg", "first.jpg"),
        ("first.jpg", "FIRST.JPG"),
        ("summer", "SUMMER"),
    ):
        (card / old).rename(card / new)
        wait_until_equal(user, card)
    user.csearchctl("stop")
    user.start()
    wait_until_equal(user, card)
    status = user.settle()
    assert (status["encoded"], status["failed"]) == (before, 0)
