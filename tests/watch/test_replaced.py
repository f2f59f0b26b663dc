"""Trees that are replaced, exchanged, checked out, unpacked or restored."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from support.archives import unpack
from support.kernel import exchange
from support.photos import drawn, write_drawn
from support.user import User, wait_for
from watch.following import wait_until_equal


def settled(user: User, folder: Path) -> tuple[int, int]:
    """What has been encoded and what recognised, once library equals disk."""
    wait_until_equal(user, folder)
    status = user.settle()
    assert status["failed"] == 0
    return status["encoded"], status["reused"]


def test_two_directories_are_exchanged_and_no_picture_is_read(watching: User, folder: Path) -> None:
    write_drawn(folder / "a" / "deep", 3)
    write_drawn(folder / "a", 1, first=7)
    write_drawn(folder / "x" / "b" / "other", 2, first=3)
    before = settled(watching, folder)
    exchange(folder / "a", folder / "x" / "b")
    assert settled(watching, folder) == before
    write_drawn(folder / "a" / "other", 1)  # both are watched where they are now
    write_drawn(folder / "x" / "b" / "deep", 1, first=5)
    assert settled(watching, folder) == (before[0], before[1] + 2)
    shutil.rmtree(folder / "a")
    (folder / "x" / "b" / "deep").rename(folder / "a")
    assert settled(watching, folder) == (before[0], before[1] + 2)


def test_files_and_directories_are_exchanged(watching: User, folder: Path) -> None:
    one, other = write_drawn(folder, 2)
    write_drawn(folder / "d.jpg", 2, first=2)
    write_drawn(folder / "e" / "f", 1, first=4)
    before = settled(watching, folder)
    exchange(one, other)
    assert settled(watching, folder) == before
    exchange(one, folder / "d.jpg")
    settled(watching, folder)
    exchange(folder / "e", one)
    assert settled(watching, folder)[0] == before[0]
    write_drawn(one, 1, first=5)
    assert settled(watching, folder)[0] == before[0]


def test_a_directory_is_renamed_there_and_back(watching: User, folder: Path) -> None:
    write_drawn(folder / "a" / "deep", 3)
    before = settled(watching, folder)
    for _ in range(20):
        (folder / "a").rename(folder / "b")
        (folder / "b").rename(folder / "a")
    assert settled(watching, folder) == before
    write_drawn(folder / "a" / "deep", 1, first=5)
    assert settled(watching, folder)[0] == before[0]


def test_a_directory_replaces_an_empty_one(watching: User, folder: Path) -> None:
    write_drawn(folder / "a", 3)
    (folder / "b").mkdir()
    before = settled(watching, folder)
    (folder / "a").rename(folder / "b")
    assert settled(watching, folder) == before
    write_drawn(folder / "b", 1, first=5)
    assert settled(watching, folder)[0] == before[0]


def test_git_checks_out_branches(watching: User, folder: Path) -> None:
    def git(*arguments: str) -> None:
        name = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True)

    if not shutil.which("git"):
        pytest.skip("needs git")
    git("init", "-q", "-b", "one")
    write_drawn(folder / "a" / "b", 4)
    git("add", "-A")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "two")
    (folder / "a" / "b").rename(folder / "c")
    write_drawn(folder / "c", 1, first=6)
    (folder / "c" / "drawn-00000.jpg").write_bytes(drawn(7))
    git("add", "-A")
    git("commit", "-qm", "two")
    encoded, _ = settled(watching, folder)
    for branch in ("one", "two", "one", "two", "one"):
        git("checkout", "-q", branch)
        assert settled(watching, folder)[0] == encoded


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_is_unpacked(watching: User, folder: Path, kind: str) -> None:
    """Its files keep their old times; it is unpacked over itself, too."""
    source = watching.home / f"source-{kind}"
    write_drawn(source / "a" / "b", 4)
    write_drawn(source / "c", 4, first=4)
    for path in source.rglob("*.jpg"):
        os.utime(path, (1e9, 1e9))
    archive = watching.home / f"archive.{kind}"
    encoded, _ = settled(watching, folder)
    if kind == "tar":
        with tarfile.open(archive, "w") as tar:
            tar.add(source, "new")
    else:
        with zipfile.ZipFile(archive, "w") as packed:
            for path in source.rglob("*.jpg"):
                packed.write(path, path.relative_to(source))
    for _ in range(2):
        unpack(archive, folder)
        assert settled(watching, folder)[0] == encoded


def by_copy(path: Path, aside: Path) -> None:
    shutil.copytree(path, aside)
    shutil.rmtree(path)
    shutil.copytree(aside, path)


def by_rename(path: Path, aside: Path) -> None:
    path.rename(aside)
    path.mkdir()
    for thing in aside.iterdir():
        thing.rename(path / thing.name)


def touched(path: Path, aside: Path) -> None:
    for file in path.rglob("*.jpg"):
        file.touch()


@pytest.mark.parametrize("restore", [by_copy, by_rename, touched])
@pytest.mark.parametrize("down", [False, True])
def test_a_backup_is_restored_with_new_times_and_inodes(
    user: User, restore: Callable[[Path, Path], None], down: bool
) -> None:
    write_drawn(user.pictures / "a" / "b", 4)
    user.start()
    user.csearchctl("add", user.pictures)
    assert settled(user, user.pictures)[0] == 4
    if down:
        user.csearchctl("stop")
    restore(user.pictures / "a", user.home / "aside")
    if down:
        user.start()
    if restore is not by_rename:
        wait_for(lambda: user.status()["reused"] >= 4, "pictures that are recognised")
    assert settled(user, user.pictures)[0] == 4


def test_pictures_copied_from_another_file_system(watching: User, folder: Path) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == folder.stat().st_dev:
        pytest.skip("needs /dev/shm on another file system")
    encoded, reused = settled(watching, folder)
    other = shared / f"csearch-test-{os.getpid()}"
    try:
        write_drawn(other / "a", 4)
        subprocess.run(["mv", other, folder / "moved"], check=True)
    finally:
        shutil.rmtree(other, ignore_errors=True)
    assert settled(watching, folder) == (encoded, reused + 4)


def test_a_directory_becomes_a_file_and_back_while_down(user: User) -> None:
    thing = user.pictures / "thing.jpg"
    write_drawn(thing / "deep", 2)
    user.start()
    user.csearchctl("add", user.pictures)
    assert settled(user, user.pictures)[0] == 2
    user.csearchctl("stop")
    shutil.rmtree(thing)
    thing.write_bytes(drawn(1))
    user.start()
    assert settled(user, user.pictures)[0] == 2
    user.csearchctl("stop")
    thing.unlink()
    write_drawn(thing, 1)
    user.start()
    assert settled(user, user.pictures)[0] == 2
