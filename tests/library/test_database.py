"""The database file: what is refused, what is said, and that nothing is overwritten."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from csearchd.errors import LibraryError
from csearchd.library.database import open_database
from csearchd.library.schema import VERSION
from csearchd.system.filesystem import network_filesystem
from support.photos import write_drawn
from support.user import SECONDS, User, wait_for


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "library.sqlite"


def refused(user: User) -> str:
    """What a daemon says that must not start; and what csearch says then."""
    daemon = user.start(wait=False)
    assert daemon.wait(SECONDS) == 1
    said = user.log().strip().splitlines()[-1]
    assert "Traceback" not in user.log()
    told = user.csearch("-g", "anything", check=2).stderr.decode()
    assert said.removeprefix("csearchd: ") in told
    return said


def test_a_new_one_is_laid_out_as_designed(path: Path) -> None:
    database = open_database(str(path))
    for pragma, value in (
        ("page_size", 16384),
        ("auto_vacuum", 2),
        ("journal_mode", "wal"),
        ("user_version", VERSION),
    ):
        assert database.execute(f"PRAGMA {pragma}").fetchone() == (value,)
    database.close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_stored_is_there_again(path: Path) -> None:
    database = open_database(str(path))
    database.execute("INSERT INTO directories (id, parent, name) VALUES (2, 1, x'ff0a')")
    database.close()
    database = open_database(str(path))
    row = database.execute("SELECT name FROM directories WHERE id = 2").fetchone()
    assert row == (b"\xff\n",)
    database.close()


def test_a_newer_one_is_refused(user: User) -> None:
    file = user.data / "library.sqlite"
    open_database(str(file)).close()
    with sqlite3.connect(file) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    before = file.read_bytes()
    assert "newer csearch" in refused(user)
    assert file.read_bytes() == before


@pytest.mark.parametrize("damage", ["overwritten", "truncated", "another program's"])
def test_a_damaged_one_is_refused_and_kept(user: User, damage: str) -> None:
    file = user.data / "library.sqlite"
    user.data.mkdir(parents=True)
    if damage == "another program's":
        with sqlite3.connect(file) as database:
            database.execute("CREATE TABLE theirs (x)")
        database.close()
    else:
        open_database(str(file)).close()
        whole = file.read_bytes()
        file.write_bytes(
            b"\xa5" * 4096 + whole[4096:] if damage == "overwritten" else whole[:20000]
        )
    before = file.read_bytes()
    said = refused(user)
    assert "move it away" in said and str(file) in said
    assert file.read_bytes() == before


def test_a_read_only_directory_is_refused(user: User) -> None:
    if os.getuid() == 0:
        mounted = user.data.parent
        mounted.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(mounted)], check=True)
        try:
            assert "ead-only file system" in refused(user)
        finally:
            subprocess.run(["umount", str(mounted)], check=True)
    else:
        user.data.mkdir(parents=True)
        user.data.chmod(0o500)
        assert "ermission denied" in refused(user)


MOUNTS = """\
21 1 259:1 / / rw - ext4 /dev/sda rw
30 21 0:30 / /home rw shared:5 - nfs4 server:/home rw
31 30 0:31 / /home/me/local\\040disk rw - ext4 /dev/sdb rw
32 21 0:32 / /home/me/usb rw - fuseblk /dev/sdc rw
33 21 0:33 / /mnt/cloud rw - fuse.rclone cloud: rw
"""


@pytest.mark.parametrize(
    ("directory", "kind"),
    [
        ("/home/nobody-here/.local/share", "nfs4"),
        ("/", None),
        ("/homework", None),
        ("/mnt/cloud/x", "fuse.rclone"),
    ],
)
def test_network_file_systems_are_recognised(
    tmp_path: Path, directory: str, kind: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS)
    monkeypatch.setattr(os.path, "exists", lambda path: True)
    assert network_filesystem(directory, str(table)) == kind
    assert network_filesystem("/home/me/local disk/x", str(table)) is None


def test_a_network_file_system_is_refused_with_what_to_do(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A mount of that kind can't be had in a test.
    monkeypatch.setattr("csearchd.library.database.network_filesystem", lambda path: "nfs4")
    with pytest.raises(LibraryError, match=r"network file system \(nfs4\).*XDG_DATA_HOME"):
        open_database(str(path))
    assert not path.exists()


def test_a_disk_that_fills_up(user: User, small_disk: Path) -> None:
    user.start()
    write_drawn(user.pictures / "first", 3)
    assert len(user.search("anything", "--in", user.pictures / "first")) == 3
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space left"), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))

    write_drawn(user.pictures / "second", 60, first=10)
    user.csearchctl("add", user.pictures / "second", check=None)
    told = user.csearch("-g", "anything")
    assert len(told.stdout.splitlines()) >= 3  # what is known is still found
    user.csearch("--in", user.pictures / "second", "anything", check=None)
    wait_for(lambda: any("full" in note for note in user.status()["notes"]), "a full disk")

    ballast.unlink()
    user.csearchctl("add", user.pictures / "second")
    # Reading gives way to whatever else the machine does.
    wait_for(lambda: user.status()["images"] == 63, "all pictures, now that there is room", 300)
    wait_for(lambda: not any("full" in note for note in user.status()["notes"]), "room")


def test_a_disk_that_is_full_from_the_start(user: User, small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space left"), (small_disk / "x").open("wb", 0) as file:
        while True:
            file.write(bytes(4096))
    assert "full" in refused(user)
