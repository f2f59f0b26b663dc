"""Tags never leave the watched directories, and never go to another picture than was scored."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from support.photos import write_photos
from support.user import User, wait_for
from tags.bench import Bench
from tags.pictures import make, need_exiftool

MODES = ("xattr", "sidecar", "embedded")
FEW, MANY = 3, 100


@pytest.fixture
def album(user: User) -> Path:
    """A watched directory inside another, with pictures that all get tags."""
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[tags]\nconfidence = 1\n")
    return fill(user.pictures / "a", "cat")


def fill(directory: Path, what: str, count: int = FEW) -> Path:
    (path,) = write_photos(directory, (what,))
    for number in range(count):
        shutil.copy2(path, directory / f"{number:03}.jpg")
    path.unlink()
    return directory


def state(directory: Path) -> dict[str, tuple[bytes, list[str]]]:
    return {
        path.name: (path.read_bytes(), os.listxattr(path)) for path in sorted(directory.iterdir())
    }


def watched(user: User) -> None:
    user.csearchctl("add", user.pictures)
    user.settle()


def is_tagged(path: Path) -> bool:
    beside = path.with_name(path.name + ".xmp").exists()
    return beside or bool(os.listxattr(path)) or b"urn:csearch" in path.read_bytes()


def swapped(user: User, album: Path, how: str) -> Path:
    """Others take the directory's place when some are tagged; where they are really."""
    outside = fill(user.home / "outside", "moon", MANY)
    pictures = sorted(album.iterdir())[:2]
    wait_for(lambda: any(map(is_tagged, pictures)), "the first tags")
    taggers = user.pids("csearchd.tags")
    for tagger in taggers:
        os.kill(tagger, signal.SIGSTOP)
    album.rename(user.home / "gone")
    if how == "link":
        album.symlink_to(outside)
    else:
        outside = outside.rename(album)
    for tagger in taggers:
        os.kill(tagger, signal.SIGCONT)
    return outside


@pytest.mark.parametrize(
    "mode, how", [("xattr", "link"), ("sidecar", "link"), ("embedded", "link"), ("xattr", "others")]
)
def test_a_directory_that_others_take_the_place_of(
    user: User, album: Path, mode: str, how: str
) -> None:
    if mode == "embedded":
        need_exiftool()
    fill(album, "cat", MANY)
    watched(user)
    user.csearchctl("pause")  # what comes is not read, and gets no words of its own
    command = user.begin("csearch.control", "tags", "write", "--mode", mode, user.pictures)
    outside = swapped(user, album, how)
    fresh = state(fill(user.home / "fresh", "moon", MANY))
    command.communicate(timeout=120)
    assert state(outside) == fresh


@pytest.mark.parametrize("mode", MODES)
def test_undo_where_a_link_is_in_the_directorys_place(user: User, album: Path, mode: str) -> None:
    """What is behind it has the same words, from somebody else."""
    if mode == "embedded":
        need_exiftool()
    before = state(album)
    watched(user)
    user.csearchctl("tags", "write", "--mode", mode, user.pictures)
    outside = user.home / "outside"
    shutil.copytree(album, outside)
    others = state(outside)
    user.csearchctl("stop")
    album.rename(user.home / "gone")
    album.symlink_to(outside)
    done = user.csearchctl("tags", "undo", "--all", check=2)
    assert state(outside) == others
    assert done.stderr.count(b"left alone") == FEW and bytes(album) in done.stderr
    album.unlink()
    (user.home / "gone").rename(album)
    user.csearchctl("tags", "undo", "--all")
    assert state(album) == before


def test_a_root_may_be_a_link(user: User, album: Path) -> None:
    watched(user)
    user.csearchctl("stop")
    real = user.pictures.rename(user.home / "real")
    user.pictures.symlink_to(real)
    user.start()
    user.csearchctl("tags", "write", "--mode", "xattr", user.pictures)
    tagged = [path for path in (real / "a").iterdir() if os.listxattr(path)]
    assert len(tagged) == FEW
    user.csearchctl("tags", "undo", "--all")
    assert not any(os.listxattr(path) for path in tagged)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "library")


def test_sweeping_follows_no_link(bench: Bench, tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    left = outside / ".csearch-tags-01234567"
    left.touch()
    inside.symlink_to(outside)
    bench.tagger.sweep(bytes(inside), bytes(tmp_path))
    assert left.exists()


@pytest.mark.parametrize("kind", ["fifo", "link", "large"])
def test_undo_looks_into_pictures_only(bench: Bench, tmp_path: Path, kind: str) -> None:
    """Of a directory that isn't known to have been tagged."""
    need_exiftool()
    path = tmp_path / "a.jpg"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to("/dev/zero")
    else:
        make(tmp_path, "jpg").rename(path)
        os.truncate(path, 1 << 40)
    reports = []
    item = {
        "item": 1, "kind": "undo", "path": bytes(path), "carrier": "embedded", "probe": True,
        "row": None, "record": None, "intended": None,
    }  # fmt: skip
    bench.tagger._ask = lambda op, **arguments: reports.append(arguments) or {}  # type: ignore[method-assign,func-returns-value]
    bench.tagger.do([item], lambda: False)
    assert reports[0]["entries"][0]["outcome"] == "gone"
