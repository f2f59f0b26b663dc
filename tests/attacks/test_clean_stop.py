"""After a stop one file has all of the library; a library that was lost is said to be."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from support.photos import write_drawn
from support.user import User, wait_for


def counts(file: Path) -> tuple[int, int]:
    """Roots and vectors in a file by itself, without a log beside it."""
    database = sqlite3.connect(f"file:{file}?immutable=1", uri=True)
    try:
        found: tuple[int, int] = database.execute(
            "SELECT (SELECT count(*) FROM roots), (SELECT count(*) FROM vectors)"
        ).fetchone()
    except sqlite3.OperationalError:  # even the tables are in the log
        return 0, 0
    finally:
        database.close()
    return found


def fill(user: User, count: int = 5) -> None:
    """A library with a root, a concept and a directory that is kept tagged."""
    pictures = write_drawn(user.pictures, count)
    user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    user.csearchctl("teach", "our thing", pictures[0])
    user.csearchctl("tags", "on", "--mode", "xattr", user.pictures)


def library(user: User) -> Path:
    return user.data / "library.sqlite"


def told(user: User, text: str) -> bool:
    """Whether log, status and doctor say so."""
    user.csearchctl("status")
    notes = " ".join(user.status()["notes"])
    doctor = user.csearchctl("doctor", check=None).stdout.decode()
    return text in notes and text in doctor and text in user.log()


def test_one_file_has_everything_after_a_stop(user: User) -> None:
    fill(user)
    user.search("anything", "-g", "--why")
    user.search("tag:x", "-g", check=1)
    user.csearchctl("stop")
    assert not list(user.data.glob("library.sqlite-*"))
    assert counts(library(user)) == (1, 5)
    user.start()
    assert len(user.search("anything", "-g")) == 5


def test_one_file_has_everything_after_a_stop_in_the_middle_of_work(user: User) -> None:
    write_drawn(user.pictures, 300)
    user.start()
    user.csearchctl("add", user.pictures)
    wait_for(lambda: user.status()["encoded"] > 20, "some encodings")
    user.csearchctl("stop")
    roots, vectors = counts(library(user))
    assert roots == 1 and vectors > 20


def test_what_is_new_is_in_the_file_soon(user: User) -> None:
    fill(user)
    wait_for(lambda: counts(library(user))[0] == 1, "a checkpoint")
    file = user.data / "summary.json"
    wait_for(lambda: file.exists() and "our thing" in file.read_text(), "the summary")
    assert file.stat().st_mode & 0o777 == 0o600


def empty(file: Path) -> None:
    file.write_bytes(b"")


def move(file: Path) -> None:
    file.rename(file.with_suffix(".away"))


@pytest.mark.parametrize("loss", [empty, move])
def test_an_empty_library_is_told_until_something_is_added(
    user: User, loss: Callable[[Path], None]
) -> None:
    fill(user)
    user.csearchctl("stop")
    loss(library(user))
    assert f"{library(user)} " in user.csearchctl("doctor", check=1).stdout.decode()
    for _ in range(2):  # another start changes nothing
        user.start()
        wait_for(lambda: told(user, "is empty, and lacks"), "the loss to be told")
        notes = " ".join(user.status()["notes"])
        assert f"csearchctl add {user.pictures}" in notes and "backup" in notes
        assert "our thing" in notes and "kept tagged" in notes and "5 pictures" in notes
        user.csearchctl("stop")
    user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    user.csearchctl("stop")
    user.start()
    assert not any("lacks" in note for note in user.status()["notes"])


def test_what_the_user_takes_away_is_no_loss(user: User) -> None:
    fill(user)
    user.csearchctl("remove", user.pictures)
    user.csearchctl("tags", "off", user.pictures)
    user.csearchctl("concepts", "remove", "our thing")
    user.csearchctl("stop")
    user.start()
    assert user.status()["notes"] == []


@pytest.mark.parametrize("where", ["head", "middle"])
def test_a_damaged_log_is_told(user: User, where: str) -> None:
    write_drawn(user.pictures, 5)
    daemon = user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    daemon.kill()
    daemon.wait()
    log = Path(f"{library(user)}-wal")
    data = bytearray(log.read_bytes())
    assert len(data) > 40_000
    at = 4 if where == "head" else 32 + 24 + 100
    data[at : at + 16] = os.urandom(16)
    log.write_bytes(data)
    again = user.start(wait=False)
    wait_for(lambda: user.answers() or again.poll() is not None, "a service that answers or ends")
    if again.poll() is not None:
        # It was killed while it moved the log into the file: without the log, neither is whole.
        assert where == "head" and "is damaged" in user.log()
        return
    wait_for(lambda: told(user, "-wal was damaged"), "the damage to be told")


def test_a_log_of_a_killed_service_is_no_damage(user: User) -> None:
    write_drawn(user.pictures, 5)
    for _ in range(3):
        daemon = user.start()
        user.csearchctl("add", user.pictures)
        user.settle()
        daemon.kill()
        daemon.wait()
    user.start()
    assert "damaged" not in user.log() and user.status()["notes"] == []


def test_the_advice_for_a_damaged_library_takes_all_of_it_away(user: User) -> None:
    fill(user)
    user.csearchctl("stop")
    file = library(user)
    file.write_bytes(b"\xa5" * 4096 + file.read_bytes()[4096:])
    Path(f"{file}-wal").write_bytes(b"rest")
    said = user.csearch("-g", "x", check=2).stderr.decode()
    assert "tags undo" in said and "watched directories" in said and "concepts" in said
    command = said.partition("(mkdir")[2].partition("):")[0]
    assert os.system(f"mkdir{command}") == 0
    assert not list(user.data.glob("library.sqlite*"))
    user.start()
    assert told(user, str(user.pictures))
