"""Signatures of pictures that an older version has read are made up for, without encoding."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from csearchd.library.database import open_database
from csearchd.library.signatures.form import is_sound
from support.photos import photo, write_drawn
from support.user import User, wait_for


def forget_signatures(file: Path) -> None:
    database = open_database(str(file))
    database.execute("DELETE FROM signatures")
    database.execute("UPDATE contents SET signed = 0")
    database.close()


def signatures(file: Path) -> list[bytes]:
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    found = [row[0] for row in database.execute("SELECT pixels FROM signatures")]
    database.close()
    return found


def read_without_signatures(user: User) -> Path:
    """Reads the pictures, stops the service, and forgets their signatures; the library's file."""
    user.search("x", "--in", user.pictures)
    user.settle()
    user.csearchctl("stop")
    file = user.data / "library.sqlite"
    forget_signatures(file)
    return file


def limit(user: User, line: str) -> None:
    """Puts a line into the section `encode` of the configuration."""
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text(f"[encode]\n{line}\n")


def test_they_are_made_when_there_is_nothing_else_to_do(user: User) -> None:
    user.take_photos(("cat", "moon"))
    photo("cat").resize((200, 300)).save(user.pictures / "small.jpg")
    user.search("x", "--in", user.pictures)
    before = user.settle()
    file = user.data / "library.sqlite"
    assert len(signatures(file)) == 3 and all(map(is_sound, signatures(file)))
    assert len(user.csearchctl("dupes").stdout.splitlines()) == 3  # and a blank line
    user.csearchctl("pause")
    user.csearchctl("stop")
    forget_signatures(file)

    user.start()
    assert user.status()["pending"] == 3
    done = user.csearchctl("dupes")
    assert done.stdout == b""
    assert done.stderr.decode().splitlines() == [
        "There are no duplicates.",
        "Not compared yet, since they must be read once more: 3 pictures.",
    ]
    user.csearchctl("resume")
    after = wait_for(lambda: (s := user.status())["pending"] == 0 and s, "all signatures")
    for name in ("images", "encoded", "reused", "failed"):
        assert after[name] == before[name], name
    assert len(signatures(file)) == 3
    assert len(user.csearchctl("dupes").stdout.splitlines()) == 3


def test_what_cannot_be_decoded_any_more_keeps_its_vector(user: User) -> None:
    """Its signature is not tried for again and again."""
    first, second = write_drawn(user.pictures, 2)
    read_without_signatures(user)
    limit(user, "max_pixels = 1000")  # less than they have

    user.start()
    status = user.settle()
    assert (status["images"], status["failed"]) == (2, 0)
    assert set(user.search("x", "--in", user.pictures)) == {first, second}


def test_what_cannot_be_read_now_is_read_later(user: User) -> None:
    """It is passed over, so that all the rest comes to an end, and tried with the next start."""
    write_drawn(user.pictures, 2)
    file = read_without_signatures(user)
    limit(user, "max_bytes = 100")  # less than they have
    user.start()
    status = wait_for(lambda: (s := user.status())["pending"] == 0 and s, "an end")
    assert (status["images"], status["failed"], signatures(file)) == (2, 0, [])
    assert b"once more: 2 pictures." in user.csearchctl("dupes").stderr
    user.csearchctl("stop")
    user.config.unlink()
    user.start()
    wait_for(lambda: len(signatures(file)) == 2, "all signatures")


def test_metadata_are_kept_where_no_signature_can_be_made(user: User) -> None:
    """Both are read again at once after an update."""
    write_drawn(user.pictures, 1)
    file = read_without_signatures(user)
    database = open_database(str(file))
    database.execute("UPDATE metadata SET outdated = 1")
    database.close()
    limit(user, "max_memory = 1")  # less than decoding takes
    user.start()
    wait_for(lambda: user.status()["pending"] == 0, "an end")
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    assert database.execute("SELECT outdated FROM metadata").fetchall() == [(0,)]
    database.close()
    assert user.status()["failed"] == 0


def test_those_of_deleted_pictures_go(user: User) -> None:
    first = write_drawn(user.pictures, 2)[0]
    user.search("x", "--in", user.pictures)
    user.settle()
    user.csearchctl("forget", first)
    assert len(signatures(user.data / "library.sqlite")) == 1


def test_copies_share_one(user: User) -> None:
    (first,) = write_drawn(user.pictures, 1)
    (user.pictures / "copy.jpg").write_bytes(first.read_bytes())
    file = read_without_signatures(user)
    user.start()
    user.settle()
    assert len(signatures(file)) == 1
    (group,) = user.csearchctl("dupes", "--json").stdout.splitlines()
    assert json.loads(group)["kind"] == "exact"
