"""Roots and what can happen to them while they are watched: removed, recreated, nested, mounted."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from csearchd.library import roots
from csearchd.library.library import Library
from csearchd.system.filesystem import mounts
from csearchd.watch import watcher
from csearchd.watch.debounce import Debounce
from csearchd.watch.rules import Rules
from csearchd.watch.watcher import Watcher
from support.photos import write_drawn
from support.user import User, wait_for
from watch.following import known, wait_until_equal


@pytest.fixture(scope="module")
def rooted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("s")) as someone:
        someone.start()
        yield someone


@pytest.fixture
def root(rooted: User) -> Iterator[Path]:
    """A root with two pictures, in a directory of its own."""
    directory = rooted.home / f"place-{len(list(rooted.home.iterdir()))}" / "root"
    write_drawn(directory / "inner", 2)
    rooted.csearchctl("add", directory)
    wait_until_equal(rooted, directory)
    yield directory
    rooted.csearchctl("remove", directory, check=None)


def directories(user: User) -> int:
    count: int = user.status()["watch"]["directories"]
    return count


def listed(user: User) -> list[str]:
    return [root["path"] for root in user.status()["roots"]]


def test_removed_and_added_again(rooted: User, root: Path) -> None:
    before, encoded = directories(rooted), rooted.status()["encoded"]
    rooted.csearchctl("remove", root)
    wait_for(lambda: directories(rooted) == before - 2, "the end of its watches")
    write_drawn(root, 1, first=5)
    rooted.csearchctl("add", root)
    wait_until_equal(rooted, root)
    assert rooted.status()["encoded"] <= encoded + 1


def test_deleted_and_recreated(rooted: User, root: Path) -> None:
    shutil.rmtree(root.parent)
    wait_for(lambda: rooted.status()["images"] == 0, "its pictures to be gone")
    assert str(root) in listed(rooted)
    write_drawn(root / "again", 3)
    wait_until_equal(rooted, root)
    write_drawn(root, 1, first=6)  # it is watched again
    wait_until_equal(rooted, root)


def test_the_directory_above_is_renamed_and_back(rooted: User, root: Path) -> None:
    away = root.parent.with_name("away")
    root.parent.rename(away)
    wait_for(lambda: rooted.status()["images"] == 0, "its pictures to be gone")
    away.rename(root.parent)
    wait_until_equal(rooted, root)


def test_nested_roots(rooted: User, root: Path) -> None:
    hidden = root / ".hidden"
    write_drawn(hidden, 2, first=8)
    rooted.csearchctl("add", hidden)
    rooted.csearchctl("add", root / "inner")
    wait_until_equal(rooted, hidden)
    rooted.csearchctl("rescan", root)
    rooted.settle()
    write_drawn(root, 1, first=10)
    wait_for(lambda: len(known(rooted, root)) == 5, "all but what is hidden, and that too")
    rooted.csearchctl("remove", root)
    wait_for(lambda: directories(rooted) == 2, "the watches of the two others alone")
    write_drawn(root / "inner", 1, first=11)
    wait_until_equal(rooted, root / "inner")
    for directory in (hidden, root / "inner"):
        rooted.csearchctl("remove", directory)


def test_a_root_in_a_directory_that_is_moved(rooted: User, root: Path) -> None:
    write_drawn(root / "outer" / "nested", 2, first=12)
    rooted.csearchctl("add", root / "outer" / "nested")
    wait_until_equal(rooted, root)
    (root / "outer").rename(root / "other")
    wait_for(lambda: b"other/nested/drawn-00012.jpg" in known(rooted, root), "its new name")
    wait_for(lambda: rooted.status()["images"] == 4, "its old name to be gone")
    (root / "other").rename(root / "outer")
    wait_until_equal(rooted, root / "outer" / "nested")
    rooted.csearchctl("remove", root / "outer" / "nested")


def test_excludes_change(rooted: User, root: Path) -> None:
    write_drawn(root / "raw-1" / "deep", 1, first=14)
    wait_until_equal(rooted, root)
    before = directories(rooted)
    rooted.config.parent.mkdir(parents=True, exist_ok=True)
    rooted.config.write_text('[scan]\nexclude = ["raw-*"]\n')
    rooted.csearchctl("reload")
    wait_for(lambda: directories(rooted) == before - 2, "the end of its watches")
    wait_for(lambda: len(known(rooted, root)) == 2, "its pictures to be gone")
    rooted.config.unlink()
    rooted.csearchctl("reload")
    wait_until_equal(rooted, root)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to mount a disk")
def test_a_disk_is_mounted_and_unmounted(rooted: User, root: Path) -> None:
    disk = root / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], check=True)
    try:
        write_drawn(disk / "a", 2, first=16)
        wait_until_equal(rooted, root)
        write_drawn(disk / "a", 1, first=18)
        wait_until_equal(rooted, root)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    wait_until_equal(rooted, root)


def is_stopped(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


def test_events_are_lost(user: User) -> None:
    daemon = user.start()
    (user.pictures / "a" / "b").mkdir(parents=True)
    user.csearchctl("add", user.pictures)
    user.settle()
    with open("/proc/sys/fs/inotify/max_queued_events") as limit:
        room = int(limit.read())
    daemon.send_signal(signal.SIGSTOP)
    wait_for(lambda: is_stopped(daemon.pid), "the daemon to stand still")
    for number in range(2 * room):
        (user.pictures / f"{number % 100}.txt").touch()
    write_drawn(user.pictures / "c" / "d", 2)
    (user.pictures / "a").rename(user.pictures / "e")
    daemon.send_signal(signal.SIGCONT)
    wait_until_equal(user, user.pictures)
    status = wait_for(
        lambda: status if (status := user.status())["watch"]["lost"] else None, "the last event"
    )
    assert status["watch"]["lost"] == status["roots"][0]["lost"] == 1
    assert "overflowed" in user.log()
    write_drawn(user.pictures / "c" / "d", 1, first=2)
    write_drawn(user.pictures / "e" / "b", 1, first=3)
    wait_until_equal(user, user.pictures)
    assert "lost" in user.csearchctl("status").stdout.decode()


# The directories above a root take some of these, too.
LIMITED = 'echo 12 >/proc/sys/user/max_inotify_watches && exec "$@"'


@pytest.mark.skipif(
    subprocess.run(["unshare", "-Ur", "true"]).returncode != 0, reason="needs user namespaces"
)
def test_there_are_more_directories_than_may_be_watched(user: User) -> None:
    for number in range(20):
        write_drawn(user.pictures / f"{number:02}", 1, first=number)
    user.start(prefix=("unshare", "-Ur", "sh", "-c", LIMITED, "sh"))
    user.csearchctl("add", user.pictures)
    wait_until_equal(user, user.pictures)
    status = user.status()
    (said,) = status["notes"]
    assert "max_user_watches" in said
    assert status["roots"][0]["watch"] == "scanned"
    assert 1 < status["watch"]["directories"] <= 9  # a quarter is left to others
    assert "left to other programs" in said
    assert user.log().count("max_user_watches") == 1
    for number in range(20):
        write_drawn(user.pictures / f"{number:02}", 1, first=20 + number)
    wait_for(lambda: len(known(user, user.pictures)) > 20, "what is in watched directories")
    user.csearchctl("rescan")
    wait_until_equal(user, user.pictures)
    for number in range(2, 20):
        shutil.rmtree(user.pictures / f"{number:02}")
    user.csearchctl("rescan")
    wait_until_equal(user, user.pictures)
    wait_for(lambda: user.status()["roots"][0]["watch"] == "watched", "all to be watched")
    assert not user.status()["notes"]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Watcher, list[bytes]]]:
    """A watcher of one root, and the scans that it asks for; its times are short."""
    for name in ("_UNWATCHED_SECONDS", "_MISSING_SECONDS"):
        monkeypatch.setattr(watcher, name, 0.0)
    library = Library(str(tmp_path / "library.sqlite"))
    scans: list[bytes] = []
    path = os.fsencode(tmp_path / "root")
    roots.add(library, path)
    rules = Rules(False, [])
    part = Watcher(library, rules, Debounce(), scans.append, lambda path: False, print, print)
    part.set_roots([path])
    yield part, scans
    library.close()


def test_what_cannot_be_watched_is_scanned_again_and_again(
    asked: tuple[Watcher, list[bytes]], tmp_path: Path
) -> None:
    part, scans = asked
    path = os.fsencode(tmp_path / "root")
    os.mkdir(path)
    part.watch(path)
    part.on_scan_finished(path, True, False, 0)
    part.request_due_scans()
    assert part.mode(path) == "watched" and not scans
    part._coverage.lose(path, OSError(errno.ENOSPC, ""), part._watches, [path])
    part.on_scan_finished(path, True, False, 0)
    part.request_due_scans()
    assert part.mode(path) == "scanned" and scans == [path]


def test_a_root_that_is_not_there_is_looked_for(
    asked: tuple[Watcher, list[bytes]], tmp_path: Path
) -> None:
    part, scans = asked
    path = os.fsencode(tmp_path / "root")
    part.on_scan_finished(path, False, True, 0)
    part.request_due_scans()
    assert not scans and part.timeout() is not None
    os.mkdir(path)
    part.request_due_scans()
    assert scans == [path]


@pytest.mark.parametrize(
    ("kind", "blind"),
    [
        ("ext4", False), ("btrfs", False), ("tmpfs", False), ("fuseblk", False), ("nfs4", True),
        ("cifs", True), ("fuse.sshfs", True), ("fuse", True), ("9p", True), ("overlay", False),
    ],
)  # fmt: skip
def test_where_changes_are_not_told(tmp_path: Path, kind: str, blind: bool) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(f"21 1 259:1 / / rw - ext4 /dev/sda rw\n30 21 0:30 / /x rw - {kind} x rw\n")
    assert [mount.needs_polling for mount in mounts(str(table))] == [False, blind]


def test_permission_comes_and_goes(user: User) -> None:
    # root may read everything, unless it gives that up
    plain = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
    closed = user.pictures / "closed"
    write_drawn(closed / "inner", 1)
    write_drawn(user.pictures, 1, first=1)
    closed.chmod(0)
    user.start(prefix=plain if os.getuid() == 0 else ())
    user.csearchctl("add", user.pictures)
    wait_for(lambda: user.status()["images"] == 1, "what may be read")
    closed.chmod(0o700)
    wait_until_equal(user, user.pictures)
    assert "closed" not in user.csearchctl("failed").stdout.decode()
    write_drawn(closed / "inner", 1, first=2)
    wait_until_equal(user, user.pictures)
    closed.chmod(0)
    wait_for(lambda: b"closed" in user.csearchctl("failed").stdout, "the reason")
    closed.chmod(0o700)
    wait_until_equal(user, user.pictures)


def test_a_root_in_a_hidden_directory_that_is_removed_while_it_is_scanned(user: User) -> None:
    hidden = user.pictures / ".hidden"
    for number in range(150):
        (hidden / str(number)).mkdir(parents=True)
    write_drawn(hidden / "0", 2)
    write_drawn(user.pictures, 1, first=5)
    user.csearchctl("add", user.pictures)
    user.settle()
    with user.connect() as client:
        for operation in ("add", "remove") * 5:
            client.send(id=1, op=operation, path=os.fsencode(hidden))
            client.receive()
    user.csearchctl("rescan")
    assert user.settle()["images"] == 1
