"""Undo finds tags in copies, in moved files, and in sidecars that stayed behind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.photos import photo, write_photos
from support.raw import dng
from support.user import User
from tags.pictures import need_exiftool

XDG = "user.xdg.tags"


@pytest.fixture
def tagged(user: User) -> tuple[Path, Path]:
    """Two pictures with sidecars that csearch has written."""
    paths = write_photos(user.pictures, ("cat", "horse"))
    everything_gets_tags(user)
    user.csearchctl("tags", "write", "--mode", "sidecar", user.pictures)
    one, other = paths
    assert sidecar(one).exists() and sidecar(other).exists()
    return one, other


def everything_gets_tags(user: User) -> None:
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[tags]\nconfidence = 1\n")


def sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".xmp")


@pytest.mark.parametrize("everywhere", [True, False])
def test_sidecars_whose_pictures_were_renamed_or_deleted(
    user: User, tagged: tuple[Path, Path], everywhere: bool
) -> None:
    one, other = tagged
    one.rename(one.with_name("renamed.jpg"))
    other.unlink()
    user.csearchctl("rescan", user.pictures)
    user.settle()
    done = user.csearchctl("tags", "undo", "--all" if everywhere else user.pictures)
    assert b"2 pictures restored" in done.stdout
    assert [path.name for path in user.pictures.iterdir()] == ["renamed.jpg"]


def test_a_picture_with_words_in_two_places_counts_once(
    user: User, tagged: tuple[Path, Path]
) -> None:
    user.csearchctl("tags", "write", "--mode", "xattr", user.pictures)
    done = user.csearchctl("tags", "undo", user.pictures)
    assert done.stdout == b"2 pictures restored\n"
    assert not any(sidecar(path).exists() or os.listxattr(path) for path in tagged)


def test_a_renamed_picture_may_be_tagged_again(user: User, tagged: tuple[Path, Path]) -> None:
    """That its sidecar stayed behind doesn't mean that the user removed the words."""
    one, _ = tagged
    renamed = one.rename(one.with_name("renamed.jpg"))
    done = user.csearchctl("tags", "write", "--mode", "sidecar", user.pictures)
    assert b"1 picture tagged" in done.stdout
    assert sidecar(renamed).exists()
    user.csearchctl("tags", "undo", "--all")
    assert not list(user.pictures.glob("*.xmp"))


def test_a_sidecar_that_was_renamed_with_its_picture(user: User, tagged: tuple[Path, Path]) -> None:
    one, _ = tagged
    sidecar(one).rename(user.pictures / "renamed.jpg.xmp")
    one.rename(user.pictures / "renamed.jpg")
    done = user.csearchctl("tags", "write", "--mode", "sidecar", user.pictures)
    assert b"0 pictures tagged" in done.stdout
    user.csearchctl("tags", "undo", "--all")
    assert not list(user.pictures.glob("*.xmp"))


def test_copies_that_brought_our_words(user: User) -> None:
    (path,) = write_photos(user.pictures, ("cat",))
    everything_gets_tags(user)
    user.csearchctl("tags", "write", "--mode", "xattr", user.pictures)
    copy = user.home / "elsewhere" / "copy.jpg"
    copy.parent.mkdir()
    subprocess.run(["cp", "-a", path, copy], check=True)
    assert XDG in os.listxattr(copy)
    user.csearch("--in", copy.parent, "a cat")
    user.csearchctl("tags", "undo", "--all")
    assert os.listxattr(path) == os.listxattr(copy) == []


def test_what_was_removed_in_one_place_is_written_in_no_other(user: User) -> None:
    (path,) = write_photos(user.pictures, ("cat",))
    everything_gets_tags(user)
    user.csearchctl("tags", "write", "--mode", "xattr", user.pictures)
    word, *others = os.getxattr(path, XDG).decode().split(",")
    os.setxattr(path, XDG, ",".join(others).encode())
    user.csearchctl("tags", "write", "--mode", "xattr", user.pictures)
    user.csearchctl("tags", "write", "--mode", "sidecar", user.pictures)
    text = sidecar(path).read_text().partition("<csearch:ledger>")[0]
    assert f">{word}<" not in text and f">{others[0]}<" in text


def test_embedding_falls_to_sidecars_for_raw_files(user: User) -> None:
    need_exiftool()
    raw = user.pictures / "shot.dng"
    raw.write_bytes(dng(photo("cat")))
    whole = raw.read_bytes()
    everything_gets_tags(user)
    done = user.csearchctl("tags", "write", "--mode", "embedded", user.pictures)
    assert b"1 picture tagged" in done.stdout
    assert sidecar(raw).exists() and raw.read_bytes() == whole
    user.csearchctl("tags", "undo", user.pictures)
    assert [path.name for path in user.pictures.iterdir()] == ["shot.dng"]


def test_a_kept_folder_that_is_gone(user: User) -> None:
    user.csearchctl("tags", "on", "--mode", "xattr", user.pictures)
    user.pictures.rmdir()
    done = user.csearchctl("tags", "undo", user.pictures)
    assert b"is no longer kept tagged" in done.stdout
    assert user.status()["tags"]["folders"] == []


def test_a_path_that_is_nothing(user: User) -> None:
    done = user.csearchctl("tags", "undo", user.pictures / "nothing.jpg", check=2)
    assert b"no such file" in done.stderr
