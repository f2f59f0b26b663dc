"""A library that an older csearch wrote is taken over with all that it holds."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from csearchd.library.database import open_database
from csearchd.library.schema import APPLICATION_ID, MIGRATIONS, VERSION

ROWS = """
    INSERT INTO directories (id, parent, name, listing, covered) VALUES
        (2, 1, x'ff0a', x'00', 5);
    INSERT INTO roots (directory, added) VALUES (2, 7);
    INSERT INTO contents (id, scheme, identity, format, width, height) VALUES
        (3, 1, x'0102', 'JPEG', 4, 5);
    INSERT INTO files (id, directory, name, size, mtime_ns, ctime_ns, inode, content, due) VALUES
        (4, 2, x'80', 1, 2, 3, 4, 3, 0);
    INSERT INTO metadata (file, taken) VALUES (4, '2019-01-02T03:04:05');
    INSERT INTO models VALUES (1, 'f', 'n', 2);
    INSERT INTO vectors VALUES (1, 3, x'00000000', 1);
    UPDATE counters SET value = 1 WHERE name = 'encoded';
"""
TABLES = ("directories", "roots", "contents", "files", "metadata", "models", "vectors", "counters")


def contents(database: sqlite3.Connection, like: dict[str, str]) -> dict[str, list[object]]:
    return {
        table: database.execute(f"SELECT {columns} FROM {table}").fetchall()
        for table, columns in like.items()
    }


@pytest.mark.parametrize("version", range(1, VERSION))
def test_everything_is_kept(tmp_path: Path, version: int) -> None:
    file = tmp_path / "library.sqlite"
    with sqlite3.connect(file) as old:
        for script in MIGRATIONS[:version]:
            old.executescript(script)
        old.executescript(ROWS)
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        old.execute(f"PRAGMA user_version = {version}")
        columns = {
            table: ", ".join(row[1] for row in old.execute(f"PRAGMA table_info({table})"))
            for table in TABLES
        }
        before = contents(old, columns)
    old.close()
    database = open_database(str(file))
    assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert contents(database, columns) == before
    database.close()
