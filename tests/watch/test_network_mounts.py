"""Network and cloud mounts: read only if they were added, at their own pace, and never in vain."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from inotify_simple import INotify, flags

from csearchd.library.library import Library
from csearchd.system.filesystem import MountTable, mounts
from csearchd.system.mount_types import is_polled, is_remote
from csearchd.watch.mounts import Mounts
from support.photos import drawn, write_drawn
from support.served import served
from support.user import User, wait_for
from watch.following import known, wait_until_equal


class Opened:
    """What is opened in a directory, and its subdirectories that exist already, by any program."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._inotify = INotify(nonblocking=True)
        watched = [top, *(path for path in top.rglob("*") if path.is_dir())]
        self._paths = {self._inotify.add_watch(path, flags.OPEN): path for path in watched}

    def take(self) -> tuple[set[str], set[str]]:
        """The directories ("." is the top) and files that were opened since the last call."""
        directories, files = set(), set()
        for event in self._inotify.read(timeout=0):
            path = self._paths[event.wd] / event.name
            found = directories if event.mask & flags.ISDIR else files
            found.add(str(path.relative_to(self._top)))
        return directories, files

    def close(self) -> None:
        self._inotify.close()


@contextmanager
def opened(top: Path) -> Iterator[Opened]:
    looking = Opened(top)
    try:
        yield looking
    finally:
        looking.close()


@pytest.fixture
def cloud(user: User) -> Iterator[tuple[Path, Path]]:
    """What is in a cloud, and its mount among the user's pictures."""
    source, mount = user.home / "source", user.pictures / "cloud"
    write_drawn(source / "inner", 2)
    write_drawn(source / "other", 1, first=2)
    write_drawn(user.pictures, 1, first=9)
    with served(source, mount):
        yield source, mount
        user.end()


def start_and_add(user: User, mount: Path) -> dict[str, Any]:
    """Starts the service, and adds `mount`. Returns the status once all is read."""
    user.start()
    user.csearchctl("add", mount)
    wait_until_equal(user, mount)
    return user.settle()


def test_one_below_a_root_is_left_out_and_named(user: User, cloud: tuple[Path, Path]) -> None:
    source, mount = cloud
    with opened(source) as looking:
        user.start()
        added = user.csearchctl("add", user.pictures).stdout.decode()
        assert f"csearchctl add {mount}" in added and "(fuse.rclone)" in added
        status = user.settle()
        assert status["images"] == 1 and status["watch"]["unread"] == [str(mount)]
        (said,) = [note for note in status["notes"] if str(mount) in note]
        assert f"csearchctl add {mount}" in said
        assert f"csearchctl add {mount}" in user.csearchctl("status").stdout.decode()
        found = user.csearch("anything", "--in", user.pictures, "--wait")
        assert found.stdout.count(b"\n") == 1 and b"cloud" not in found.stderr
        write_drawn(user.pictures, 1, first=10)
        (user.pictures / "new").mkdir()
        user.csearchctl("rescan")
        wait_for(lambda: user.settle()["images"] == 2, "what is on the disk")
        assert looking.take() == (set(), set())


def test_one_that_is_added_is_read(user: User, cloud: tuple[Path, Path]) -> None:
    _, mount = cloud
    user.start()
    user.csearchctl("add", user.pictures)
    user.csearchctl("add", mount)
    wait_until_equal(user, mount)
    status = user.settle()
    assert status["images"] == 4 and status["watch"]["unread"] == [] == status["notes"]
    pace = {root["path"]: root["every"] for root in status["roots"]}
    assert pace == {str(mount): 60, str(user.pictures): None}
    assert "polled every 1 min" in user.csearchctl("status").stdout.decode()


def test_a_directory_in_one_that_is_added_is_read_alone(
    user: User, cloud: tuple[Path, Path]
) -> None:
    source, mount = cloud
    with opened(source) as looking:
        user.start()
        user.csearchctl("add", mount / "inner", user.pictures)
        wait_until_equal(user, mount / "inner")
        status = user.settle()
        assert status["images"] == 3 and not status["watch"]["unread"]
        user.csearchctl("rescan")
        user.settle()
        directories, files = looking.take()
        assert "other" not in directories and files == {
            "inner/drawn-00000.jpg", "inner/drawn-00001.jpg",
        }  # fmt: skip
        write_drawn(source / "inner", 1, first=5)
        user.csearch("anything", "--wait", "--in", user.pictures)  # what was added is a part of it
        assert user.status()["images"] == 4


def test_one_that_is_named_is_read_and_stays_known(user: User, cloud: tuple[Path, Path]) -> None:
    source, mount = cloud
    user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    assert len(user.search("anything", "--in", mount)) == 3
    with opened(source) as looking:
        (user.pictures / "new").mkdir()
        user.csearchctl("rescan")
        user.settle()
        for _ in range(3):
            assert len(user.search("anything", "--in", mount)) == 3
        assert user.settle()["watch"]["unread"] == [str(mount)]
        directories, files = looking.take()
        assert not files and not directories - {"."}  # who names it looks whether it is there


def test_nothing_is_walked_or_opened_in_vain(user: User, cloud: tuple[Path, Path]) -> None:
    source, mount = cloud
    start_and_add(user, mount)
    with opened(source) as looking:
        for _ in range(3):
            assert len(user.search("anything", "-g")) == 3
        assert looking.take() == (set(), set())
        user.csearchctl("stop")
        user.start()
        assert len(user.search("anything", "-g")) == 3
        assert user.settle()["images"] == 3
        assert looking.take() == (set(), set())  # its next walk is due in a minute
        (source / "inner" / "drawn-00000.jpg").chmod(0o600)  # which changes its ctime
        os.link(source / "inner" / "drawn-00001.jpg", user.home / "link")
        (source / "other" / "drawn-00002.jpg").write_bytes(drawn(20))

        def encoded_again() -> bool:
            user.csearchctl("rescan", mount)
            return bool(user.settle()["encoded"] == 4)

        wait_for(encoded_again, "the end of what the kernel has cached")
        directories, files = looking.take()
        assert directories == {".", "inner", "other"} and files == {"other/drawn-00002.jpg"}


def test_a_directory_that_is_gone_is_noticed_by_a_search(
    user: User, cloud: tuple[Path, Path]
) -> None:
    source, mount = cloud
    start_and_add(user, mount)
    shutil.rmtree(source / "inner")
    wait_for(lambda: not (mount / "inner").exists(), "the end of what the kernel has cached")

    def is_forgotten() -> bool:
        user.search("anything", "-g")
        return bool(user.status()["images"] == 1)

    wait_for(is_forgotten, "the end of what was in it", 20)  # its next walk is due in a minute


def test_inodes_and_ctimes_of_a_remounted_one_do_not_matter(
    user: User, cloud: tuple[Path, Path]
) -> None:
    source, mount = cloud
    start_and_add(user, mount)
    subprocess.run(["umount", mount], check=True)
    wait_for(lambda: user.status()["images"] == 0, "the end of the mount")
    source.rename(user.home / "old")
    subprocess.run(["cp", "-a", user.home / "old", source], check=True)
    with opened(source) as looking:
        subprocess.run(["bindfs", "-o", "subtype=rclone", source, mount], check=True)
        wait_for(lambda: user.status()["images"] == 3, "the pictures")
        user.csearchctl("rescan")
        status = user.settle()
        assert (status["encoded"], status["reused"]) == (3, 0)
        assert not looking.take()[1]


def test_one_that_appears_later_is_left_out_too(user: User) -> None:
    source, mount = user.home / "source", user.pictures / "cloud"
    write_drawn(source / "inner", 2)
    write_drawn(user.pictures, 1, first=5)
    mount.mkdir()
    user.start()
    user.csearchctl("add", user.pictures)
    wait_until_equal(user, user.pictures)
    with served(source, mount):
        wait_for(lambda: user.status()["watch"]["unread"] == [str(mount)], "the mount")
        user.csearchctl("rescan")
        user.settle()
        assert known(user, user.pictures) == {b"drawn-00005.jpg"}
        user.csearchctl("add", mount)
        wait_until_equal(user, mount)
    wait_until_equal(user, user.pictures)
    assert user.settle()["watch"]["unread"] == []
    user.end()


def test_a_program_that_has_ended_takes_its_pictures_away(user: User) -> None:
    source, mount = user.home / "source", user.pictures / "mount"
    write_drawn(source / "inner", 2)
    user.start()
    with served(source, mount) as server:
        user.csearchctl("add", mount)
        wait_until_equal(user, mount)
        os.kill(server, 9)
        wait_for(lambda: not os.access(mount, os.F_OK), "the end of the program")
        found = user.csearch("anything", "-g", "--count", check=None)
        assert found.stdout == b"0\n"
        assert user.search("anything", "-g", check=1) == []
        status = user.status()
        (root,) = status["roots"]
        assert (status["images"], root["images"], root["present"]) == (0, 0, False)
        assert (root["waiting"], root["reconciled"]) == (2, None)
        shown = user.csearchctl("status").stdout.decode()
        assert "2 pictures kept" in shown and "last scan" not in shown
    with served(source, mount):
        wait_for(lambda: user.status()["images"] == 2, "the pictures", 30)
        assert user.settle()["encoded"] == 2
        assert len(user.search("anything", "-g")) == 2
        user.end()


def test_a_mount_in_place_of_one_whose_program_has_ended_is_read(user: User) -> None:
    """Both changes of the table of mounts are noticed at once, and mostly the second mount has the
    number of the first."""
    source, mount = user.home / "source", user.pictures / "mount"
    write_drawn(source, 2)
    user.start()
    service = user.status()["pid"]

    with served(source, mount) as server:
        user.csearchctl("add", mount)
        wait_until_equal(user, mount)
        os.kill(server, signal.SIGKILL)
        wait_for(lambda: not os.access(mount, os.F_OK), "the end of the program")
        # A program that has answered isn't asked again for a second.
        wait_for(lambda: user.status()["images"] == 0, "no picture of the dead mount")
        os.kill(service, signal.SIGSTOP)
    try:
        with served(source, mount):
            os.kill(service, signal.SIGCONT)
            wait_for(lambda: user.status()["images"] == 2, "the pictures", 30)
            user.end()
    finally:
        with suppress(ProcessLookupError):
            os.kill(service, signal.SIGCONT)


@pytest.mark.parametrize(
    ("kind", "remote", "polled"),
    [
        ("nfs4", True, True), ("cifs", True, True), ("smb3", True, True), ("autofs", True, True),
        ("9p", True, True), ("virtiofs", True, True), ("fuse", True, True), ("fuse.x", True, True),
        ("fuse.sshfs", True, True), ("fuse.rclone", True, True), ("fuse.gvfsd-fuse", True, True),
        ("fuse.google-drive-ocamlfuse", True, True), ("fuse.onedriver", True, True),
        ("fuse.jmtpfs", True, True), ("fuseblk", False, False), ("fuse.ntfs-3g", False, False),
        ("fuse.ext4", False, False), ("fuse.gocryptfs", False, True), ("ext4", False, False),
        ("fuse.mergerfs", False, True), ("btrfs", False, False), ("overlay", False, False),
        ("fusectl", False, False), ("tmpfs", False, False), ("exfat", False, False),
    ],
)  # fmt: skip
def test_types(kind: str, remote: bool, polled: bool) -> None:
    assert (is_remote(kind), is_polled(kind)) == (remote, polled)


@pytest.mark.parametrize(
    ("kind", "source", "remote"),
    [
        ("gocryptfs", "/home/me/.vault", False), ("gocryptfs", "/cloud/vault", True),
        ("mergerfs", "a:home", False), ("mergerfs", "/a=RW:/cloud/x=NC", True),
        ("mergerfs", "1:2", False), ("mergerfs", "a:cloud", True), ("mergerfs", "a:cloudy", False),
        ("mergerfs", "ne:ud/photos", True), ("mergerfs", "a/cloud:b", True),
        ("mergerfs", "/a:", True), ("cryfs", "cryfs@/cloud/vault", True),
        ("encfs", "encfs", False), ("bindfs", "/m", False), ("rclone", "/home/me", True),
    ],
)  # fmt: skip
def test_what_shows_a_directory_is_as_local_as_that(
    tmp_path: Path, kind: str, source: str, remote: bool
) -> None:
    path = tmp_path / "mountinfo"
    path.write_text(
        "21 1 259:1 / / rw - ext4 /dev/sda rw\n"
        "30 21 0:30 / /cloud rw - fuse.rclone drive: rw\n"
        f"31 21 0:31 / /m rw - fuse.{kind} {source} rw\n"
    )
    table = MountTable(mounts(str(path)))
    assert table.is_remote(table.mounts[2]) is remote


def test_what_a_server_shows_below_another_file_system_belongs_to_that(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "mountinfo"
    path.write_text(
        "21 1 259:1 / / rw - ext4 /dev/sda rw\n"
        "30 21 0:30 / /nas rw - nfs4 nas:/tank rw\n"
        "31 30 0:31 / /nas/photos rw - nfs4 nas:/tank/photos rw\n"
        "32 31 0:32 / /nas/photos/a rw - nfs4 nas:/tank/photos/a rw\n"
        "33 30 0:33 / /nas/other rw - nfs4 nas:/elsewhere rw\n"
    )
    monkeypatch.setattr("csearchd.watch.mounts.mounts", lambda: mounts(str(path)))
    found = Mounts()
    inner = b"/nas/photos/a/b"
    assert found.remote_mount(inner) == b"/nas"
    assert not found.is_left_out(inner, [b"/nas"])
    assert not found.is_left_out(inner, [b"/nas/photos"])
    assert found.is_left_out(inner, [b"/"]) and found.is_left_out(b"/nas/other", [b"/nas"])
    unread = [mount.point for mount in found.left_out([b"/nas"], lambda path, root: True)]
    assert unread == [b"/nas/other"]


def test_one_that_is_no_root_any_more_is_left_out_again(
    user: User, cloud: tuple[Path, Path]
) -> None:
    _, mount = cloud
    user.start()
    user.csearchctl("add", user.pictures, mount)
    wait_until_equal(user, user.pictures)
    user.csearchctl("remove", mount)
    wait_for(lambda: user.settle()["images"] == 1, "the end of what is in the mount")
    assert user.status()["watch"]["unread"] == [str(mount)]
    user.csearchctl("rescan")
    assert user.settle()["images"] == 1


def test_what_an_older_version_has_read_is_forgotten_once(
    user: User, cloud: tuple[Path, Path]
) -> None:
    _, mount = cloud
    user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    assert len(user.search("anything", "--in", mount)) == 3
    user.csearchctl("stop")
    for images in (4, 1):
        user.start()
        assert user.settle()["images"] == images
        user.csearchctl("stop")
        library = Library(str(user.data / "library.sqlite"))
        library.set("unread-mounts-forgotten", None)
        library.close()


def test_the_cost_of_a_scan_is_kept(user: User, cloud: tuple[Path, Path]) -> None:
    _, mount = cloud
    start_and_add(user, mount)
    user.csearchctl("stop")
    library = Library(str(user.data / "library.sqlite"))
    costs = library.setting("scan-costs")
    library.close()
    assert costs and os.fsencode(mount).hex() in costs


def test_a_file_that_grows_there_is_not_read_again_and_again(
    user: User, cloud: tuple[Path, Path]
) -> None:
    source, mount = cloud
    encoded = start_and_add(user, mount)["encoded"]
    whole = drawn(30, (1200, 900))
    with (source / "slow.jpg").open("wb") as file, opened(source) as looking:
        reads = 0
        for start in range(0, len(whole), len(whole) // 6 + 1):
            file.write(whole[start : start + len(whole) // 6 + 1])
            file.flush()
            user.csearchctl("rescan", mount)
            select.select([], [], [], 1.5)
            reads += "slow.jpg" in looking.take()[1]
    user.csearch("anything", "--wait", "--in", mount)
    assert user.settle()["encoded"] == encoded + 1
    assert reads <= 2
