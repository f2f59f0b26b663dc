"""The library's directory is deleted, moved or replaced while the service runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from csearchd.library.library import Library
from support.photos import write_drawn
from support.user import User, wait_for


@pytest.fixture
def filled(user: User) -> User:
    write_drawn(user.pictures, 5)
    user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    return user


def noticed(user: User, text: str) -> None:
    """Waits until log, status and doctor say it."""

    def told() -> bool:
        notes = user.csearchctl("status", "--json", check=None).stdout.decode()
        return text in notes and text in user.csearchctl("doctor", check=None).stdout.decode()

    wait_for(told, f"{text!r} to be told")
    assert text in user.log()


def whole(user: User, images: int = 5) -> None:
    """The library is in its place, and holds after a stop."""
    user.csearchctl("stop")
    assert (user.data / "library.sqlite").stat().st_mode & 0o777 == 0o600
    user.start()
    status = user.settle()
    assert (status["images"], status["encoded"]) == (images, images)
    assert [root["path"] for root in status["roots"]] == [str(user.pictures)]


def test_a_deleted_directory_is_made_anew(filled: User) -> None:
    shutil.rmtree(filled.data)
    noticed(filled, "made anew")
    assert len(filled.search("anything", "-g")) == 5
    whole(filled)
    assert filled.status()["notes"] == []


@pytest.mark.parametrize(
    "names", [["library.sqlite"], ["library.sqlite-wal", "library.sqlite-shm"]]
)
def test_deleted_files_are_made_anew(filled: User, names: list[str]) -> None:
    for name in names:
        (filled.data / name).unlink()
    noticed(filled, "was deleted or moved")
    whole(filled)


def test_files_that_another_program_has_made_anew_are_noticed(tmp_path: Path) -> None:
    """SQLite writes on to those that were deleted."""
    path = tmp_path / "library.sqlite"
    library = Library(str(path))
    library.set("odd", "kept")
    assert not library.is_lost()
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink()
    code = f"import sqlite3; sqlite3.connect({str(path)!r}).execute('PRAGMA wal_checkpoint')"
    with subprocess.Popen(
        [sys.executable, "-c", f"{code}; print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as another:
        assert another.stdout and another.stdout.readline()
        assert path.with_name(path.name + "-wal").exists()
        assert library.is_lost()
        another.communicate(b"\n")
    assert "nothing is lost" in str(library.rescue())
    library.close()
    library = Library(str(path))
    assert library.setting("odd") == "kept"
    library.close()


def test_a_stop_before_it_is_noticed_loses_nothing(filled: User) -> None:
    shutil.rmtree(filled.data)
    whole(filled)
    assert "made anew" in filled.log()


def test_nothing_claims_success_meanwhile(filled: User) -> None:
    """The directory can't be made anew: a file is in its way."""
    shutil.rmtree(filled.data)
    filled.data.write_text("in the way")
    other = filled.home / "other"
    other.mkdir()
    for command in (
        ("add", other),
        ("tags", "write", "--mode", "xattr", filled.pictures),
        ("tags", "on", "--mode", "xattr", filled.pictures),
        ("teach", "it", filled.pictures / "drawn-00000.jpg"),
        ("remove", filled.pictures),
        ("pause",),
    ):
        done = filled.csearchctl(*command, check=2)
        said = done.stderr.decode()
        assert "library.sqlite was deleted" in said, command
        assert not done.stdout.strip() or command[:2] == ("tags", "write"), done.stdout
    noticed(filled, "cannot be made anew")
    # A thread that has no connection to the library yet can't open one.
    wait_for(lambda: len(filled.search("anything", "-g", check=None)) == 5, "an answer")
    filled.data.unlink()  # now there is room for it
    noticed(filled, "was made anew")
    whole(filled)


def test_another_library_in_its_place_is_used_and_the_first_one_kept(filled: User) -> None:
    filled.csearchctl("backup", filled.home / "copy")
    shutil.rmtree(filled.data)
    filled.data.mkdir()
    shutil.copy(filled.home / "copy", filled.data / "library.sqlite")
    noticed(filled, "another file took the place")
    (kept,) = filled.data.glob("library.sqlite.rescued-*")
    assert kept.stat().st_size > 0
    whole(filled)


def test_a_moved_directory_stays_whole_where_it_is(filled: User, tmp_path: Path) -> None:
    filled.data.rename(tmp_path / "moved")
    noticed(filled, "made anew")
    assert (tmp_path / "moved" / "library.sqlite").exists()
    whole(filled)
