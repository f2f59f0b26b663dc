"""A library of an older version: nothing of it is lost, and what it lacks is made up for."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from csearchd.library import schema
from csearchd.library.database import open_database
from support.album import write_photo
from support.photos import write_drawn
from support.user import User, wait_for


def downgrade(file: Path, version: int) -> None:
    """Makes the library what an older version would have made of the same pictures."""
    old = sqlite3.connect(":memory:", isolation_level=None)
    for script in schema.MIGRATIONS[:version]:
        old.executescript(script)
    tables = old.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    virtual = [name for name, sql in tables if sql and sql.startswith("CREATE VIRTUAL")]
    # What an index is stored in comes first, since triggers look into the index.
    names = [name for name, _ in tables if name not in virtual]
    names.sort(key=lambda name: not name.startswith(tuple(f"{one}_" for one in virtual)))
    old.execute("ATTACH ? AS new", (str(file),))
    for table in names:
        columns = ", ".join(row[1] for row in old.execute(f"PRAGMA main.table_info({table})"))
        old.execute(f"DELETE FROM main.{table}")
        old.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}")
    old.execute("DETACH new")
    file.unlink()
    old.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    old.execute(f"PRAGMA user_version = {version}")
    old.execute("VACUUM INTO ?", (str(file),))
    old.close()


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_an_older_library_keeps_everything(user: User, version: int) -> None:
    write_drawn(user.pictures, 5)
    before = user.search("anything", "--in", user.pictures)
    status = user.settle()
    user.csearchctl("stop")
    file = user.data / "library.sqlite"
    downgrade(file, version)
    assert not user.data.joinpath("library.sqlite-wal").exists()

    user.start()
    assert user.search("anything", "--in", user.pictures) == before
    after = user.settle()
    for name in ("images", "encoded", "failed", "roots"):
        assert after[name] == status[name], name
    assert "damaged" not in user.log()


def test_metadata_of_an_older_version_are_taken_again(user: User) -> None:
    """Without encoding, and without a result that goes meanwhile."""
    write_drawn(user.pictures, 5)
    user.search("anything", "--in", user.pictures)
    status = user.settle()
    user.csearchctl("pause")
    user.csearchctl("stop")
    file = user.data / "library.sqlite"
    downgrade(file, 1)

    user.start()
    assert user.status()["pending"] == 5
    assert len(user.search("anything", "--in", user.pictures)) == 5
    user.csearchctl("resume")
    after = wait_for(lambda: (s := user.status())["pending"] == 0 and s, "metadata taken again")
    assert (after["encoded"], after["reused"]) == (status["encoded"], status["reused"])
    user.csearchctl("stop")
    database = open_database(str(file))
    assert database.execute("SELECT count(*), sum(outdated) FROM metadata").fetchone() == (5, 0)
    database.close()


def test_exposures_of_older_libraries_are_read(user: User) -> None:
    path = write_photo(user.pictures / "a.jpg", "cat", exposure=(0.004, 2.8, 50))
    user.search("anything", "--in", user.pictures)
    status = user.settle()
    user.csearchctl("stop")
    version = next(n for n, sql in enumerate(schema.MIGRATIONS) if "aperture" in sql)
    downgrade(user.data / "library.sqlite", version)

    user.start()
    assert user.settle()["encoded"] == status["encoded"]
    (line,) = user.csearch("--json", "--in", user.pictures, "cat").stdout.splitlines()
    row = json.loads(line)
    assert row["path"] == str(path)
    assert (row["exposure"], row["aperture"], row["focal_length"]) == (0.004, 2.8, 50.0)


def test_what_could_not_be_read_is_tried_again_once(user: User) -> None:
    """And nothing else is read or encoded."""
    paths = write_drawn(user.pictures, 3)
    paths[0].write_bytes(paths[0].read_bytes()[:-2])
    (user.pictures / "nothing.jpg").write_bytes(b"nothing")
    user.search("anything", "--in", user.pictures)
    before = user.settle()
    user.csearchctl("stop")
    file = user.data / "library.sqlite"
    database = open_database(str(file))
    (content,) = database.execute(
        "SELECT content FROM files WHERE name = ?", (os.fsencode(paths[0].name),)
    ).fetchone()
    database.execute("DELETE FROM vectors WHERE content = ?", (content,))
    database.execute("UPDATE contents SET failure = 'is truncated' WHERE id = ?", (content,))
    database.close()
    downgrade(file, next(n for n, sql in enumerate(schema.MIGRATIONS) if "incomplete" in sql))

    user.start()
    after = user.settle()
    assert (after["images"], after["failed"]) == (before["images"], before["failed"]) == (3, 1)
    assert (after["encoded"], after["reused"]) == (before["encoded"] + 1, before["reused"])


def test_what_cannot_be_read_does_not_stay_pending(user: User) -> None:
    write_drawn(user.pictures, 2)
    user.search("anything", "--in", user.pictures)
    user.csearchctl("stop")
    database = open_database(str(user.data / "library.sqlite"))
    database.execute("UPDATE files SET content = NULL, failure = 'cannot be read' WHERE id = 1")
    database.execute("UPDATE metadata SET outdated = 1 WHERE file = 1")
    database.close()
    user.start()
    status = user.settle()
    assert (status["images"], status["failed"], status["notes"]) == (1, 1, [])
