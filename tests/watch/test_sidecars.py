"""A change of a sidecar or an extended attribute is a change of its picture's metadata."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.photos import drawn, write_drawn
from support.user import User, wait_for


def read_again(user: User, reused: int) -> None:
    """Waits until so many files were read again without being encoded, and no more."""
    wait_for(lambda: user.status()["reused"] >= reused, f"{reused} files read again")
    status = user.settle()
    assert (status["reused"], status["encoded"], status["failed"]) == (reused, 3, 0)


@pytest.fixture
def pictures(user: User) -> Path:
    """A watched directory with a.jpg and a.png of one stem, and b.jpg."""
    (a, b) = write_drawn(user.pictures, 2)
    a.rename(user.pictures / "a.jpg")
    b.rename(user.pictures / "b.jpg")
    (user.pictures / "a.png").write_bytes(drawn(2))
    user.start()
    user.csearchctl("add", user.pictures)
    assert user.settle()["encoded"] == 3
    return user.pictures


def test_a_sidecar_that_comes_changes_moves_and_goes(user: User, pictures: Path) -> None:
    sidecar = pictures / "a.jpg.xmp"
    sidecar.write_text("one")
    read_again(user, 1)
    temporary = pictures / "x.tmp"
    temporary.write_text("two")
    temporary.replace(sidecar)
    read_again(user, 2)
    sidecar.rename(pictures / "b.XMP")
    read_again(user, 4)
    (pictures / "b.XMP").unlink()
    read_again(user, 5)


def test_pictures_of_one_stem_share_a_sidecar(user: User, pictures: Path) -> None:
    (pictures / "a.xmp").write_text("one")
    read_again(user, 2)
    (pictures / "c.xmp").write_text("nobody's")
    (pictures / "b.jpg.xmp").write_text("one")
    read_again(user, 3)


@pytest.mark.parametrize("what", ["sidecar", "attribute"])
def test_a_change_while_the_service_was_down(user: User, pictures: Path, what: str) -> None:
    (pictures / "b.xmp").write_text("one")
    read_again(user, 1)
    user.csearchctl("stop")
    user.start()
    read_again(user, 1)
    user.csearchctl("stop")
    if what == "sidecar":
        info = (pictures / "b.xmp").stat()
        (pictures / "b.xmp").write_text("two")  # as long as it was, and with its old time
        os.utime(pictures / "b.xmp", ns=(info.st_atime_ns, info.st_mtime_ns))
    else:
        set_tags(pictures / "b.jpg")
    user.start()
    read_again(user, 2)


def test_an_extended_attribute_is_seen(user: User, pictures: Path) -> None:
    set_tags(pictures / "b.jpg")
    read_again(user, 1)


def test_an_extended_attribute_is_seen_for_every_name_of_a_file(user: User, pictures: Path) -> None:
    (pictures / "other").mkdir()
    user.settle()
    os.link(pictures / "b.jpg", pictures / "other" / "link.jpg")
    wait_for(lambda: user.settle()["images"] == 4, "the other name")
    before = user.settle()["reused"]
    set_tags(pictures / "b.jpg")
    wait_for(lambda: user.status()["reused"] >= before + 2, "both names")


def set_tags(path: Path) -> None:
    try:
        os.setxattr(path, "user.xdg.tags", b"dog")
    except OSError as error:
        pytest.skip(f"{path.parent} has no extended attributes: {error.strerror}")
