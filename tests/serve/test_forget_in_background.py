"""`csearchctl forget` of very much: nothing is found at once, and the rest goes afterwards."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
from pathlib import Path

from support.faults import fault, start_with
from support.user import User, wait_for

PHOTOS = ("cat", "coffee", "rocket", "astronaut")
# One file is deleted in a step, and from the second on each waits as long as the fault is there.
SLOW = """
from csearchd.library.removal import purging
before = purging.delete
calls = []

def delete(library, files):
    calls.append(1)
    while len(calls) > 1 and faulty():
        time.sleep(0.02)
    before(library, files)

purging.delete = delete
purging._FILES = 1
"""
WORDS = "vocabulary WHERE word IN ('coffee', 'rocket', 'astronaut')"
TABLES = (WORDS, "files", "contents", "vectors", "signatures", "metadata", "forgotten")


def rows(user: User, table: str) -> int:
    database = sqlite3.connect(f"file:{user.data / 'library.sqlite'}?mode=ro", uri=True)
    try:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        database.close()


def thumbnails(user: User) -> Path:
    return user.home / ".cache" / "thumbnails" / "large"


def forget_slowly(user: User) -> int:
    """Forgets four photos of which one is deleted so far. Returns the service's process id."""
    photos = user.take_photos(PHOTOS)
    thumbnails(user).mkdir(parents=True)
    for path in photos:
        digest = hashlib.md5(path.as_uri().encode(), usedforsecurity=False).hexdigest()
        (thumbnails(user) / f"{digest}.png").touch()
    fault(user).touch()
    service = start_with(user, SLOW)
    assert len(user.search("anything", "--in", user.pictures)) == 4
    user.settle()
    said = user.csearchctl("forget", user.pictures).stdout.decode()
    assert said.startswith("4 files forgotten.\nNothing finds them any more.")
    assert "3 files is still being deleted; csearchctl status" in said
    return service.pid


def is_clean(user: User) -> bool:
    """Nothing is left in the library, and no thumbnail."""
    if user.status()["forgetting"] or any(thumbnails(user).iterdir()):
        return False
    return not any(rows(user, table) for table in TABLES)


def test_nothing_is_found_while_the_rest_is_being_deleted(user: User) -> None:
    forget_slowly(user)
    assert user.csearch("-g", "cat", check=1).stdout == b""
    assert rows(user, "files") == 3
    status = user.status()
    assert (status["forgetting"], status["images"], status["pending"]) == (3, 0, 0)
    shown = user.csearchctl("status").stdout.decode()
    assert "what is left of 3 forgotten files is being deleted" in shown
    assert not user.status()["known"]
    fault(user).unlink()
    wait_for(lambda: is_clean(user), "all to be deleted")
    assert "forgetting" not in user.csearchctl("status").stdout.decode()


def test_a_killed_service_goes_on_and_brings_nothing_back(user: User) -> None:
    os.kill(forget_slowly(user), signal.SIGKILL)
    wait_for(lambda: not user.answers(), "the service to end")
    assert rows(user, "files") == 3, "it was killed in the middle"
    user.start()
    wait_for(lambda: is_clean(user), "all to be deleted")
    assert user.csearch("-g", "cat", check=1).stdout == b""
    assert user.settle()["encoded"] == 0
    # They are the user's, and found again where the user asks for them.
    assert len(user.search("anything", "--in", user.pictures)) == 4
    assert user.settle()["encoded"] == 4


def test_pictures_that_come_back_meanwhile_are_found(user: User) -> None:
    forget_slowly(user)
    assert len(user.search("anything", "--in", user.pictures)) == 4
    fault(user).unlink()
    wait_for(lambda: user.status()["forgetting"] == 0, "all to be deleted")
    wait_for(lambda: user.settle()["images"] == 4, "pictures that are read again")
    assert len(user.search("anything", "--in", user.pictures)) == 4
