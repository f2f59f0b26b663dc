"""Roots on disks that go away and come back, elsewhere too: nothing is lost, nothing read again."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.tiny_model import make_tiny_model
from support.disk import Disk, missing
from support.photos import write_drawn
from support.user import User, wait_for
from watch.following import known, wait_until_equal

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


class Disks:
    """The disks of a test, all unmounted at its end."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.all: list[Disk] = []

    def new(self) -> Disk:
        disk = Disk(self.directory / f"disk-{len(self.all)}.img")
        self.all.append(disk)
        return disk


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[Disks]:
    made = Disks(tmp_path)
    yield made
    for disk in made.all:
        disk.remove()


def root_of(user: User, path: Path) -> dict[str, Any]:
    (found,) = [root for root in user.status()["roots"] if root["path"] == str(path)]
    return dict(found)


def wait_absent(user: User, path: Path) -> dict[str, Any]:
    return dict(wait_for(lambda: (r := root_of(user, path)).get("absent") and r, "an absent root"))


def wait_listed(user: User, *paths: Path) -> None:
    want = sorted(str(path) for path in paths)
    wait_for(
        lambda: sorted(root["path"] for root in user.status()["roots"]) == want, f"roots {want}"
    )


def work(user: User) -> tuple[int, int]:
    status = user.settle()
    return status["encoded"], status["reused"]


@pytest.mark.parametrize("lazily", [False, True])
def test_a_disk_comes_back_elsewhere(user: User, disks: Disks, lazily: bool) -> None:
    disk, first, second = disks.new(), user.home / "first", user.home / "second"
    disk.mount(first)
    write_drawn(first / "photos" / "a", 3)
    user.start()
    user.csearchctl("add", first / "photos")
    wait_until_equal(user, first / "photos")
    before = work(user)
    disk.unmount(*(["-l"] if lazily else []))
    absent = wait_absent(user, first / "photos")
    assert not absent["present"] and absent["waiting"] == 3
    status = user.status()
    assert (status["images"], status["pending"], status["failed"]) == (0, 0, 0)
    for where in (["-g"], ["--in", first]):
        said = user.csearch(*where, "anything", check=1).stderr.decode()
        assert "on disks that aren't mounted are left out: 3" in said
    assert "unmounted" in user.csearchctl("status").stdout.decode()
    disk.mount(second)
    wait_listed(user, second / "photos")
    wait_until_equal(user, second / "photos")
    assert work(user) == before
    assert len(user.search("-g", "anything")) == 3
    write_drawn(second / "photos" / "a", 1, first=3)
    wait_until_equal(user, second / "photos")
    (second / "photos" / "a" / "drawn-00000.jpg").unlink()
    wait_until_equal(user, second / "photos")


def test_only_what_changed_meanwhile_is_read(user: User, disks: Disks) -> None:
    disk, point = disks.new(), user.home / "point"
    disk.mount(point)
    write_drawn(point / "a", 3)
    user.start()
    user.csearchctl("add", point)
    wait_until_equal(user, point)
    encoded, reused = work(user)
    disk.unmount()
    wait_absent(user, point)
    aside = disk.mount(user.home / "aside")
    wait_listed(user, aside)
    disk.unmount()
    wait_absent(user, aside)
    user.csearchctl("stop")
    disk.mount(user.home / "other")
    write_drawn(user.home / "other" / "a", 1, first=7)
    (user.home / "other" / "a" / "drawn-00001.jpg").unlink()
    os.utime(user.home / "other" / "a" / "drawn-00002.jpg")
    disk.unmount()
    user.start()
    wait_absent(user, aside)
    disk.mount(point)
    wait_listed(user, point)
    wait_until_equal(user, point)
    assert work(user) == (encoded + 1, reused + 1)


def test_another_disk_at_the_same_point(user: User, disks: Disks) -> None:
    one, two, point = disks.new(), disks.new(), user.home / "point"
    one.mount(point)
    write_drawn(point, 2)
    user.start()
    user.csearchctl("add", point)
    wait_until_equal(user, point)
    before = work(user)
    one.unmount()
    two.mount(point)
    write_drawn(point, 2, first=10)
    wait_absent(user, point)
    assert user.search("-g", "anything", check=1) == []
    assert len(user.search("--in", point, "anything")) == 2
    assert root_of(user, point)["waiting"] == 2
    two.unmount()
    one.mount(point)
    wait_for(lambda: root_of(user, point)["present"], "the first disk")
    wait_until_equal(user, point)
    encoded, reused = work(user)
    assert (encoded, reused) == (before[0] + 2, before[1])  # the other disk's two


def test_both_disks_are_roots(user: User, disks: Disks) -> None:
    one, two, point, other = disks.new(), disks.new(), user.home / "point", user.home / "other"
    one.mount(point)
    two.mount(other)
    write_drawn(point, 2)
    write_drawn(other, 3, first=10)
    user.start()
    user.csearchctl("add", point)
    user.csearchctl("add", other)
    wait_until_equal(user, point)
    wait_until_equal(user, other)
    before = work(user)
    one.unmount()
    two.unmount()
    wait_absent(user, other)
    two.mount(point)
    one.mount(other)
    wait_for(lambda: all(r["present"] for r in user.status()["roots"]), "both disks")
    wait_until_equal(user, point)
    wait_until_equal(user, other)
    assert len(known(user, point)) == 3
    assert work(user) == before


def test_killed_while_the_disk_is_away(user: User, disks: Disks) -> None:
    disk, point = disks.new(), user.home / "point"
    disk.mount(point)
    write_drawn(point / "a", 3)
    daemon = user.start()
    user.csearchctl("add", point)
    wait_until_equal(user, point)
    before = work(user)
    disk.unmount()
    wait_absent(user, point)
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
    daemon = user.start()
    assert root_of(user, point)["waiting"] == 3
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
    disk.mount(user.home / "new")
    user.start()
    wait_listed(user, user.home / "new")
    wait_until_equal(user, user.home / "new")
    assert work(user) == before


def test_it_goes_away_while_the_daemon_is_down(user: User, disks: Disks) -> None:
    disk, point = disks.new(), user.home / "point"
    disk.mount(point)
    write_drawn(point / "a", 3)
    user.start()
    user.csearchctl("add", point)
    wait_until_equal(user, point)
    before = work(user)
    user.csearchctl("stop")
    disk.unmount()
    point.rmdir()
    user.start()
    assert wait_absent(user, point)["waiting"] == 3
    user.csearchctl("rescan")
    user.settle()
    disk.mount(point)
    wait_for(lambda: root_of(user, point)["present"], "the disk")
    wait_until_equal(user, point)
    assert work(user) == before


def test_it_goes_away_while_files_are_read(user: User, disks: Disks) -> None:
    disk, point = disks.new(), user.home / "point"
    disk.mount(point)
    write_drawn(point / "a", 60)
    user.start()
    user.csearchctl("add", point)
    wait_for(lambda: user.status()["encoded"], "the first picture")
    disk.unmount()
    wait_absent(user, point)
    status = user.settle()
    assert status["failed"] == status["images"] == 0
    disk.mount(user.home / "again")
    wait_listed(user, user.home / "again")
    wait_until_equal(user, user.home / "again")
    assert work(user)[0] == 60


def test_forgotten_and_removed_while_away(user: User, disks: Disks) -> None:
    disk, point = disks.new(), user.home / "point"
    disk.mount(point)
    write_drawn(point / "a", 2)
    write_drawn(point / "b", 2, first=2)
    user.start()
    user.csearchctl("add", point)
    wait_until_equal(user, point)
    disk.unmount()
    wait_absent(user, point)
    user.csearchctl("forget", point / "a" / "drawn-00000.jpg")
    assert root_of(user, point)["waiting"] == 3
    user.csearchctl("forget", point / "b")
    assert root_of(user, point)["waiting"] == 1
    assert user.status()["encoded"] == 1
    disk.mount(point)
    wait_for(lambda: root_of(user, point)["present"], "the disk")
    wait_until_equal(user, point)
    assert user.settle()["encoded"] == 4
    disk.unmount()
    wait_absent(user, point)
    user.csearchctl("remove", point)
    assert user.status()["roots"] == []
    disk.mount(point)
    user.csearchctl("add", point)
    wait_until_equal(user, point)
    assert user.settle()["encoded"] == 4


def test_deleted_from_a_disk_that_is_there(user: User, disks: Disks) -> None:
    disk, point = disks.new(), user.home / "point"
    disk.mount(point)
    write_drawn(point / "photos", 2)
    user.start()
    user.csearchctl("add", point / "photos")
    wait_until_equal(user, point / "photos")
    (point / "photos").rename(point / "elsewhere")
    wait_for(lambda: user.status()["images"] == 0, "its pictures to be gone")
    assert "absent" not in root_of(user, point / "photos")
    (point / "elsewhere").rename(point / "photos")
    wait_until_equal(user, point / "photos")
    assert work(user)[0] == 2


def test_a_disk_below_a_root(user: User, disks: Disks) -> None:
    disk, root = disks.new(), user.home / "root"
    write_drawn(root / "mine", 2)
    user.start()
    user.csearchctl("add", root)
    disk.mount(root / "disk")
    write_drawn(root / "disk" / "a", 3, first=10)
    wait_until_equal(user, root)
    before = work(user)
    disk.unmount()
    wait_until_equal(user, root)
    assert user.status()["images"] == 2
    disk.mount(root / "elsewhere" / "disk")
    wait_until_equal(user, root)
    assert user.status()["images"] == 5
    assert work(user) == before
    disk.unmount()
    wait_until_equal(user, root)
    assert user.csearchctl("forget", root / "elsewhere").returncode == 0
    assert user.status()["encoded"] == 2


@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_something_is_mounted_over_a_watched_directory(user: User, kind: str) -> None:
    root = user.home / "root"
    write_drawn(root / "covered" / "a", 3)
    write_drawn(root, 1, first=3)
    write_drawn(user.home / "beside", 2, first=10)
    user.start()
    user.csearchctl("add", root)
    wait_until_equal(user, root)
    before = work(user)
    what = ["-t", "tmpfs", "tmpfs"] if kind == "tmpfs" else ["--bind", str(user.home / "beside")]
    subprocess.run(["mount", *what, str(root / "covered")], check=True)
    try:
        if kind == "tmpfs":
            write_drawn(root / "covered", 2, first=10)
        wait_until_equal(user, root)
        assert user.status()["images"] == 3
    finally:
        subprocess.run(["umount", str(root / "covered")], check=True)
    wait_until_equal(user, root)
    assert user.status()["images"] == 4
    assert work(user) == (before[0] + 2, before[1])


def test_a_root_is_also_mounted_elsewhere(user: User) -> None:
    root, elsewhere = user.home / "root", user.home / "elsewhere"
    write_drawn(root / "a", 2)
    elsewhere.mkdir()
    user.start()
    user.csearchctl("add", root)
    wait_until_equal(user, root)
    before = work(user)
    subprocess.run(["mount", "--bind", str(root / "a"), str(elsewhere)], check=True)
    try:
        user.csearchctl("rescan")
        wait_until_equal(user, root)
        wait_listed(user, root)
    finally:
        subprocess.run(["umount", str(elsewhere)], check=True)
    wait_until_equal(user, root)
    assert work(user) == before


def test_it_comes_and_goes_in_the_middle_of_scans(user: User, disks: Disks) -> None:
    disk, point = disks.new(), user.home / "point"
    disk.mount(point)
    for number in range(20):
        write_drawn(point / f"{number:02}", 1, first=number)
    user.start()
    user.csearchctl("add", point)
    wait_until_equal(user, point)
    before = work(user)
    with user.connect() as client:
        for number in range(30):
            client.ask(op="rescan")
            disk.unmount("-l")
            client.ask(op="rescan")
            point = disk.mount(user.home / f"point-{number % 3}")
    wait_listed(user, point)
    wait_until_equal(user, point)
    assert work(user) == before


def test_a_model_that_came_meanwhile_gets_its_vectors(user: User, disks: Disks) -> None:
    make_tiny_model(str(user.data / "models" / "tiny"))
    disk, point = disks.new(), user.home / "disk"
    disk.mount(point)
    write_drawn(point / "photos", 3)
    user.start()
    user.csearchctl("add", point / "photos")
    work(user)
    disk.unmount()
    wait_absent(user, point / "photos")
    user.csearchctl("model", "use", "tiny")
    wait_for(lambda: user.status()["model"] == "tiny", "the new model")
    user.settle()
    disk.mount(point)
    wait_for(lambda: user.status()["images"] == 3, "vectors of the new model")
    assert user.settle()["encoded"] == 6
