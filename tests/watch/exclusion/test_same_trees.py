"""Directories with several paths, and snapshots: each picture is read once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.disk import Disk, missing
from support.photos import write_drawn
from support.served import served
from support.user import User, wait_for
from watch.following import known, wait_known

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, to mount directories")
needs_btrfs = pytest.mark.skipif(bool(missing("btrfs")), reason=missing("btrfs"))


class Binds:
    """Bind mounts, all unmounted at the end."""

    def __init__(self) -> None:
        self.points: list[Path] = []

    def bind(self, source: Path, point: Path) -> None:
        point.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", source, point], check=True)
        self.points.append(point)

    def unmount(self, point: Path) -> None:
        subprocess.run(["umount", "-l", point], check=True)
        self.points.remove(point)


@pytest.fixture
def binds() -> Iterator[Binds]:
    made = Binds()
    yield made
    for point in reversed(made.points):
        subprocess.run(["umount", "-l", point], check=False)


@needs_root
def test_a_bind_mount_of_what_is_read(user: User, binds: Binds) -> None:
    write_drawn(user.pictures / "a", 1)
    binds.bind(user.pictures / "a", user.pictures / "before")
    user.csearchctl("add", user.pictures)
    assert user.settle()["images"] == 1
    wait_known(user, user.pictures, "a/drawn-00000.jpg")
    binds.bind(user.pictures / "a", user.pictures / "deep" / "after")
    binds.bind(user.pictures, user.pictures / "loop")
    write_drawn(user.pictures / "a", 1, first=1)
    wait_known(user, user.pictures, "a/drawn-00000.jpg", "a/drawn-00001.jpg")
    assert user.settle()["images"] == 2
    asked = user.search("anything", "--in", user.pictures / "before")
    assert len(asked) == 2
    wait_for(lambda: len(known(user, user.pictures)) == 4, "both paths, since both are asked for")


@needs_root
def test_another_path_of_a_hidden_directory(user: User, binds: Binds) -> None:
    source, hidden = user.home / "source", user.pictures / ".pool"
    write_drawn(source, 1)
    user.pictures.mkdir(exist_ok=True)
    with served(source, hidden, kind="mergerfs"):
        binds.bind(hidden, user.pictures / "shown")
        user.csearchctl("add", user.pictures)
        user.settle()
        wait_known(user, user.pictures, "shown/drawn-00000.jpg")
        user.end()


@needs_root
def test_a_path_that_counts_is_ignored_later(user: User, binds: Binds) -> None:
    write_drawn(user.pictures / "data" / "a", 1)
    binds.bind(user.pictures / "data" / "a", user.pictures / "shown")
    user.csearchctl("add", user.pictures)
    wait_known(user, user.pictures, "data/a/drawn-00000.jpg")
    ignore = user.pictures / ".csearchignore"
    ignore.write_text("data/")
    wait_known(user, user.pictures, "shown/drawn-00000.jpg")
    ignore.unlink()
    wait_known(user, user.pictures, "data/a/drawn-00000.jpg")
    mark = user.pictures / "data" / ".nomedia"
    mark.touch()
    wait_known(user, user.pictures, "shown/drawn-00000.jpg")
    mark.unlink()
    wait_known(user, user.pictures, "data/a/drawn-00000.jpg")
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text('[scan]\nexclude = ["data"]\n')
    user.csearchctl("reload")
    wait_known(user, user.pictures, "shown/drawn-00000.jpg")


@needs_root
def test_bind_mounts_of_what_is_not_read(user: User, binds: Binds) -> None:
    outside = user.home / "outside"
    write_drawn(outside, 1)
    binds.bind(outside, user.pictures / "one")
    binds.bind(outside, user.pictures / "two")
    user.csearchctl("add", user.pictures)
    user.settle()
    wait_known(user, user.pictures, "one/drawn-00000.jpg")
    binds.unmount(user.pictures / "one")
    wait_known(user, user.pictures, "two/drawn-00000.jpg")
    user.csearchctl("add", outside)
    wait_known(user, user.pictures)
    wait_known(user, outside, "drawn-00000.jpg")
    user.csearchctl("remove", outside)
    wait_known(user, user.pictures, "two/drawn-00000.jpg")


@needs_root
def test_a_bind_mount_in_a_directory_that_is_no_root(user: User, binds: Binds) -> None:
    write_drawn(user.home / "x" / "a", 1)
    binds.bind(user.home / "x" / "a", user.home / "x" / "b")
    assert len(user.search("anything", "--in", user.home / "x")) == 1
    assert len(user.search("anything", "--in", user.home / "x" / "b")) == 1


def btrfs(*arguments: object) -> None:
    subprocess.run(
        ["btrfs", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, timeout=60
    )


@pytest.fixture
def disk(tmp_path: Path, user: User) -> Iterator[Path]:
    made = Disk(tmp_path / "disk.img", "btrfs")
    yield made.mount(user.home / "disk")
    made.remove()


@needs_btrfs
def test_snapshots_of_btrfs(user: User, disk: Path) -> None:
    btrfs("subvolume", "create", disk / "pictures")  # a subvolume of the user's own
    write_drawn(disk / "pictures", 1)
    (disk / "kept").mkdir()
    btrfs("subvolume", "snapshot", "-r", disk / "pictures", disk / "kept" / "monday")
    user.csearchctl("add", disk)
    user.settle()
    wait_known(user, disk, "pictures/drawn-00000.jpg")
    btrfs("subvolume", "snapshot", disk / "pictures", disk / "copy")  # writable
    btrfs("subvolume", "snapshot", "-r", disk / "pictures", disk / "pictures" / "inside")
    write_drawn(disk / "plain", 1, first=1)
    btrfs("subvolume", "create", disk / "plain" / "own")
    write_drawn(disk / "plain" / "own", 1, first=2)
    three = ("pictures/drawn-00000.jpg", "plain/drawn-00001.jpg", "plain/own/drawn-00002.jpg")
    wait_known(user, disk, *three)
    monday = disk / "kept" / "monday"
    assert user.search("anything", "--in", monday) == [monday / "drawn-00000.jpg"]


@needs_btrfs
def test_after_a_rollback(user: User, disk: Path) -> None:
    """The user's subvolume is a snapshot of a snapshot now, and writable."""
    btrfs("subvolume", "create", disk / "@home")
    write_drawn(disk / "@home", 1)
    btrfs("subvolume", "snapshot", "-r", disk / "@home", disk / "monday")
    btrfs("subvolume", "delete", disk / "@home")
    btrfs("subvolume", "snapshot", disk / "monday", disk / "@home")
    user.csearchctl("add", disk)
    user.settle()
    wait_known(user, disk, "@home/drawn-00000.jpg")
    btrfs("subvolume", "delete", disk / "monday")
    write_drawn(disk / "@home", 1, first=1)
    wait_known(user, disk, "@home/drawn-00000.jpg", "@home/drawn-00001.jpg")


@needs_btrfs
def test_snapshots_that_are_mounted_by_themselves(user: User, disk: Path) -> None:
    btrfs("subvolume", "create", disk / "@home")
    write_drawn(disk / "@home", 1)
    btrfs("subvolume", "snapshot", "-r", disk / "@home", disk / "monday")
    btrfs("subvolume", "snapshot", disk / "@home", disk / "mine")
    image = disk.parent / "somewhere"
    for name in ("monday", "mine", "@home"):
        (image / name).mkdir(parents=True)
        source = subprocess.run(
            ["findmnt", "-no", "SOURCE", "-T", disk], check=True, capture_output=True, text=True
        ).stdout.strip()
        subprocess.run(
            ["mount", "-o", f"subvol={name}", source.partition("[")[0], image / name], check=True
        )
    try:
        user.csearchctl("add", image)
        user.settle()
        wait_known(user, image, "mine/drawn-00000.jpg", "@home/drawn-00000.jpg")
        user.csearchctl("add", image / "monday")
        user.settle()
        wait_for(lambda: len(known(user, image)) == 3, "the one that was asked for")
    finally:
        for name in ("monday", "mine", "@home"):
            subprocess.run(["umount", "-l", image / name], check=False)
