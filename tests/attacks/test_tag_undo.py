"""Undo while things move, and after: every file is as before, or is named."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from support.photos import write_photos
from support.user import User, wait_for
from tags.pictures import need_exiftool

MODES = ("xattr", "sidecar", "embedded")


@pytest.fixture
def album(user: User) -> Path:
    """A directory in a watched one, with pictures that all get tags."""
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[tags]\nconfidence = 1\n")
    directory = user.pictures / "a"
    fill(directory, 3)
    return directory


def fill(directory: Path, count: int) -> None:
    (path,) = write_photos(directory, ("cat",))
    for number in range(count):
        shutil.copy2(path, directory / f"{number:03}.jpg")
    path.unlink()


def tag(user: User, mode: str) -> None:
    if mode == "embedded":
        need_exiftool()
    user.csearchctl("add", user.pictures)
    user.csearchctl("tags", "write", "--mode", mode, user.pictures)
    user.settle()


def tagged(directory: Path) -> list[Path]:
    """Files that hold words of ours; sidecars that are left."""
    return [
        path
        for path in sorted(directory.rglob("*"))
        if path.is_file()
        and (path.suffix == ".xmp" or os.listxattr(path) or b"urn:csearch" in path.read_bytes())
    ]


@pytest.mark.parametrize("mode", MODES)
def test_moved_while_the_service_was_away(user: User, album: Path, mode: str) -> None:
    """By the content, and whatever is in their place now."""
    before = (album / "000.jpg").read_bytes()
    tag(user, mode)
    user.csearchctl("stop")
    (user.pictures / "b").mkdir()
    for path in album.iterdir():
        path.rename(user.pictures / "b" / f"moved-{path.name}")
    (moon,) = write_photos(user.home, ("moon",))
    shutil.copy2(moon, album / "000.jpg")
    os.setxattr(album / "000.jpg", "user.xdg.tags", b"mine")
    done = user.csearchctl("tags", "undo", "--all")
    assert done.stdout == b"3 pictures restored\n"
    assert tagged(user.pictures) == [album / "000.jpg"]
    assert os.getxattr(album / "000.jpg", "user.xdg.tags") == b"mine"
    assert (user.pictures / "b" / "moved-000.jpg").read_bytes() == before


def test_sidecars_that_others_took_elsewhere(user: User, album: Path) -> None:
    """Without their pictures, and in a directory that got another name meanwhile."""
    tag(user, "sidecar")
    user.csearchctl("stop")
    (user.pictures / "sidecars").mkdir()
    (user.pictures / "pictures").mkdir()
    for path in album.iterdir():
        other = "sidecars" if path.suffix == ".xmp" else "pictures"
        path.rename(user.pictures / other / path.name)
    assert user.csearchctl("tags", "undo", "--all").stdout == b"3 pictures restored\n"
    assert not tagged(user.pictures)


@pytest.mark.parametrize("mode", ["xattr", "embedded"])
def test_moved_and_edited_while_the_service_was_away(user: User, album: Path, mode: str) -> None:
    """The mark in the file is what is left."""
    tag(user, mode)
    user.csearchctl("stop")
    (user.pictures / "b").mkdir()
    for number, path in enumerate(sorted(album.iterdir())):
        with path.open("ab") as file:
            file.write(b"trailing %d" % number)  # which isn't in the identity
        path.rename(user.pictures / "b" / path.name)
    data = bytearray((user.pictures / "b" / "000.jpg").read_bytes())
    data[-600] ^= 1  # another picture, if only just
    (user.pictures / "b" / "000.jpg").write_bytes(data)
    user.csearchctl("tags", "undo", "--all")
    assert not tagged(user.pictures)


def test_what_is_nowhere_is_named(user: User, album: Path) -> None:
    tag(user, "xattr")
    user.csearchctl("stop")
    (album / "001.jpg").rename(user.home / "001.jpg")
    for _ in range(2):  # as long as it isn't found
        done = user.csearchctl("tags", "undo", "--all", check=2)
        assert b"%b: left alone: it no longer exists" % bytes(album / "001.jpg") in done.stderr
        assert not tagged(album)
    (user.home / "001.jpg").rename(album / "back.jpg")
    assert user.csearchctl("tags", "undo", "--all").stdout == b"1 picture restored\n"
    assert not tagged(album)


@pytest.mark.parametrize("how", ["hidden", "marked"])
def test_a_directory_that_is_left_out_from_now_on(user: User, album: Path, how: str) -> None:
    tag(user, "xattr")
    if how == "hidden":
        album.rename(user.pictures / ".a")
    else:
        (album / ".nosearch").touch()
    user.csearchctl("rescan", user.pictures)
    wait_for(lambda: not user.status()["images"], "the pictures' end")
    assert user.csearchctl("tags", "undo", "--all").stdout == b"3 pictures restored\n"
    assert not tagged(user.pictures)


@pytest.mark.parametrize("mode", ["xattr", "sidecar"])
def test_pictures_that_are_moved_while_they_are_undone(user: User, album: Path, mode: str) -> None:
    fill(album, 120)
    tag(user, mode)
    other = user.pictures / "b"
    other.mkdir()
    everything = tagged(user.pictures)
    command = user.begin("csearch.control", "tags", "undo", "--all")
    wait_for(lambda: user.pids("csearchd.tags") or command.poll() is not None, "the tagger")
    for path in sorted(album.glob("*.jpg"), reverse=True):
        path.rename(other / path.name)
    said, named = command.communicate(timeout=120)
    left = [path.name for path in tagged(user.pictures)]
    assert command.returncode == (2 if b"left alone" in named else 0), (said, named)
    assert all(name.removesuffix(".xmp").encode() in named for name in left), (said, left)
    assert len(left) < len(everything) / 2


@pytest.mark.parametrize("mode", ["xattr", "sidecar"])
def test_killed_while_it_wrote_and_moved_before_it_came_back(
    user: User, album: Path, mode: str
) -> None:
    fill(album, 120)
    user.csearchctl("add", user.pictures)
    user.settle()
    command = user.begin("csearch.control", "tags", "write", "--mode", mode, user.pictures)
    wait_for(lambda: tagged(user.pictures), "the first tags")
    for pid in user.pids("csearchd"):
        os.kill(pid, signal.SIGKILL)
    command.communicate(timeout=60)
    other = user.pictures / "b"
    other.mkdir()
    for path in sorted(album.glob("*.jpg"))[::2]:
        path.rename(other / path.name)
    done = user.csearchctl("tags", "undo", "--all", check=None)
    left = [path.name for path in tagged(user.pictures)]
    assert not left and done.returncode == 0, (done.stdout, done.stderr, left)
    assert "Traceback" not in user.log()
