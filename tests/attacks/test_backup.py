"""csearchctl backup: a copy that holds, from a running and from a stopped service, or an error."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.photos import write_drawn
from support.user import User, wait_for


def put_back(user: User, copy: Path) -> None:
    """As README and `csearchctl backup -h` say."""
    user.csearchctl("stop")
    for file in user.data.glob("library.sqlite*"):
        file.unlink()
    shutil.copy(copy, user.data / "library.sqlite")
    user.csearchctl("start")


@pytest.mark.parametrize("state", ["running", "stopped", "killed"])
def test_a_backup_brings_everything_back_unread(user: User, state: str) -> None:
    pictures = write_drawn(user.pictures, 5)
    daemon = user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    user.csearchctl("teach", "our thing", pictures[0])
    if state == "stopped":
        user.csearchctl("stop")
    elif state == "killed":
        daemon.kill()
        daemon.wait()
    copy = user.home / "a copy"
    user.csearchctl("backup", copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in user.home.iterdir() if "copy" in file.name] == ["a copy"]
    assert bool(user.pids("csearchd")) == (state == "running")  # it starts none

    user.start() if state == "killed" else None
    write_drawn(user.pictures, 3, first=10)  # what comes after the backup
    user.csearchctl("start")
    user.csearchctl("concepts", "remove", "our thing")
    wait_for(lambda: user.status()["images"] == 8, "the later pictures")
    put_back(user, copy)
    assert user.settle()["images"] == 8
    assert b"our thing" in user.csearchctl("concepts").stdout
    with sqlite3.connect(user.data / "library.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    # The cache was of a later library: what it had must not be taken for this one's.
    found = user.csearch("-g", "--json", "-t20", "x").stdout
    assert len(found.splitlines()) == 8


def test_a_backup_while_pictures_are_read(user: User) -> None:
    write_drawn(user.pictures, 300)
    user.start()
    user.csearchctl("add", user.pictures)
    wait_for(lambda: user.status()["encoded"] > 10, "some encodings")
    copy = user.home / "copy"
    user.csearchctl("backup", copy)
    with sqlite3.connect(copy) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not database.execute("PRAGMA foreign_key_check").fetchall()
        (roots, vectors) = database.execute(
            "SELECT (SELECT count(*) FROM roots), (SELECT count(*) FROM vectors)"
        ).fetchone()
    database.close()
    assert roots == 1 and vectors >= 10


@pytest.fixture
def stopped(user: User) -> User:
    """A user with a library of one root, whose service doesn't run."""
    user.start()
    user.csearchctl("add", user.pictures)
    user.csearchctl("stop")
    return user


def refused(user: User, target: object) -> str:
    before = (user.data / "library.sqlite").read_bytes()
    done = user.csearchctl("backup", target, check=2)
    said = done.stderr.decode()
    assert "Traceback" not in said and len(said.splitlines()) == 1
    assert (user.data / "library.sqlite").read_bytes() == before
    assert not list(user.home.glob(".*.new"))
    return said


def test_a_file_that_is_there_stays(stopped: User) -> None:
    target = stopped.home / "there"
    target.write_text("mine")
    assert f"{target} exists already" in refused(stopped, target)
    assert target.read_text() == "mine"
    dangling = stopped.home / "dangling"
    dangling.symlink_to("nowhere")
    assert f"{dangling} exists already" in refused(stopped, dangling)


@pytest.mark.parametrize("end", ["", "-wal", "-shm", "-journal"])
def test_the_library_is_no_target(stopped: User, end: str) -> None:
    assert "is the library itself" in refused(stopped, f"{stopped.data}/library.sqlite{end}")
    link = stopped.home / "link"
    link.symlink_to(stopped.data)
    assert "is the library itself" in refused(stopped, f"{link}/library.sqlite{end}")


def test_places_where_nothing_can_be_written(stopped: User) -> None:
    assert "is a directory" in refused(stopped, stopped.home)
    missing = stopped.home / "missing" / "copy"
    said = refused(stopped, missing)
    assert str(missing) in said and "No such file or directory" in said
    assert "Not a directory" in refused(stopped, stopped.home / "csearchd.log" / "copy")
    assert "File name too long" in refused(stopped, stopped.home / ("x" * 300))
    assert "cannot be written" in refused(stopped, "/proc/copy")
    if os.getuid() != 0:
        closed = stopped.home / "closed"
        closed.mkdir(mode=0o500)
        assert "Permission denied" in refused(stopped, closed / "copy")


def test_no_library_and_a_damaged_one(user: User) -> None:
    target = user.home / "copy"
    done = user.csearchctl("backup", target, check=2)
    assert b"there is no library" in done.stderr and not user.pids("csearchd")
    user.data.mkdir(parents=True)
    for content in (b"", b"rubbish" * 10_000):
        (user.data / "library.sqlite").write_bytes(content)
        said = refused(user, target)
        assert str(user.data / "library.sqlite") in said
    assert not target.exists()


@pytest.fixture
def small_disk(stopped: User) -> Iterator[Path]:
    if os.getuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs root, to mount a small disk")
    point = stopped.home / "small"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(point)], check=True)
    yield point
    subprocess.run(["umount", str(point)], check=True)


def test_a_full_disk(stopped: User, small_disk: Path) -> None:
    target = small_disk / "copy"
    said = refused(stopped, target)
    assert str(target) in said and "full" in said
    assert not list(small_disk.iterdir())
