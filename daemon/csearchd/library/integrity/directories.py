"""Damaged rows of directories: invalid values, an unknown parent, a cycle of parents."""

from __future__ import annotations

import itertools
import os
import sqlite3
import time
from typing import Any

from csearchd.library.tree import TOP

# Arrays in memory are indexed by directory ids, which grow with every directory that is created
# while the latest one exists. Ids above this limit, relative to the number of directories, are
# replaced by small ones.
_SPARE_IDS = 1_000_000
_IDS_PER_DIRECTORY = 64
_MAX_ID = (1 << 31) - 1  # ids are 32-bit numbers in memory: a larger one is damaged

_REFERENCES = (  # to directories, and their ids themselves
    ("directories", "id"),
    ("directories", "parent"),
    ("files", "directory"),
    ("roots", "directory"),
    ("disks", "directory"),
    ("forgotten", "directory"),
)

_Row = tuple[Any, Any, Any, Any]  # id, parent, name, absent


def renumber(database: sqlite3.Connection) -> bool:
    """Gives directories with large ids small ones, inside a transaction without foreign keys.

    Returns whether there were any. The id of a sound directory is large after millions of others
    have come and gone; then its files keep referring to it. A damaged id is referred to by nothing,
    so its directory is listed again.
    """
    count, highest = database.execute("SELECT count(*), max(id) FROM directories").fetchone()
    limit = _SPARE_IDS + _IDS_PER_DIRECTORY * count
    if highest is None or highest <= limit:
        return False
    used: set[Any] = set()
    for table, column in _REFERENCES:
        used.update(row[0] for row in database.execute(f"SELECT DISTINCT {column} FROM {table}"))
    free = (number for number in itertools.count(TOP + 1) if number not in used)
    large = database.execute(
        "SELECT id FROM directories WHERE id > ? AND id <= ?", (limit, _MAX_ID)
    ).fetchall()
    changes = [(next(free), old) for (old,) in large]
    for table, column in _REFERENCES:
        database.executemany(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", changes)
    database.executemany(
        "UPDATE directories SET listing = x'' WHERE id = ? AND listing IS NOT NULL",
        [(new,) for new, _ in changes],
    )
    return bool(changes)


def repair(database: sqlite3.Connection) -> list[bytes]:
    """Removes damaged directories, inside a transaction without foreign keys.

    Roots among them, and directories that are the top of a disk, are put back at their noted paths,
    with everything below them. Returns the names of those that were removed; the caller must delete
    their files.
    """
    database.execute("INSERT OR IGNORE INTO directories (id, parent, name) VALUES (1, NULL, x'')")
    database.execute(
        "UPDATE directories SET parent = NULL, name = x'', absent = NULL WHERE id = 1 "
        "AND (parent IS NOT NULL OR name <> x'' OR absent IS NOT NULL)"
    )
    database.execute(
        "DELETE FROM forgotten WHERE directory NOT IN "
        "(SELECT id FROM directories WHERE absent IS NOT NULL)"
    )
    detached = _detached(database)
    _restore_roots(database, detached)
    _repair_columns(database)
    return _delete(database, _detached(database) if detached else [])


def _detached(database: sqlite3.Connection) -> list[_Row]:
    """The rows from which the parents don't lead to "/", or to the top of an unmounted disk."""
    rows: list[_Row] = database.execute(
        "SELECT id, parent, name, absent FROM directories"
    ).fetchall()
    parents = {row[0]: row[1] for row in rows if _is_sound(row)}
    unmounted = {row[0]: row[3] is not None for row in rows}
    attached = {TOP: True}
    for start in parents:
        path: list[int] = []
        current = start
        while current not in attached:
            attached[current] = False  # for now: coming here again means a cycle
            path.append(current)
            parent = parents.get(current)
            if current not in parents:
                break
            if parent is None:
                attached[current] = unmounted[current]  # the top of an unmounted disk
                path.pop()
                break
            if unmounted.get(parent) != unmounted[current]:
                break
            current = parent
        for directory in path:
            attached[directory] = attached.get(current, False)
    return [row for row in rows if not attached.get(row[0], False)]


def _is_sound(row: _Row) -> bool:
    identifier, parent, name, absent = row
    if identifier == TOP:
        return True
    return (
        0 < identifier <= _MAX_ID
        and (parent is None or isinstance(parent, int))
        and (absent is None or isinstance(absent, int))
        and isinstance(name, bytes)
        and name not in (b"", b".", b"..")
        and not (b"/" in name or b"\0" in name)
    )


def _restore_roots(database: sqlite3.Connection, detached: list[_Row]) -> None:
    """Attaches directories whose path is noted in `disks` there, and makes missing rows of roots
    again."""
    detached_ids = {row[0] for row in detached}
    places = database.execute(
        "SELECT directory, path, directory IN (SELECT id FROM directories), "
        "directory IN (SELECT directory FROM roots) FROM disks"
    ).fetchall()
    for directory, path, exists, is_root in sorted(places, key=lambda row: str(row[1])):
        usable = isinstance(path, bytes) and path[:1] == b"/" and b"\0" not in path
        if not usable or path == b"/" or (exists and directory not in detached_ids):
            continue
        if not exists and not is_root:
            continue
        above, _, name = path.rpartition(b"/")
        parent = _directory_at(database, above)
        found = database.execute(
            "SELECT id FROM directories WHERE parent = ? AND name = ?", (parent, name)
        ).fetchone()
        if exists and not found:
            database.execute(
                "UPDATE directories SET parent = ?, name = ?, absent = NULL, listing = x'' "
                "WHERE id = ?",
                (parent, name, directory),
            )
        elif is_root:
            new = found[0] if found else _insert(database, parent, name)
            database.execute("DELETE FROM roots WHERE directory = ?", (directory,))
            database.execute("INSERT OR IGNORE INTO roots VALUES (?, ?)", (new, int(time.time())))


def _directory_at(database: sqlite3.Connection, path: bytes) -> int:
    """The id of the directory at `path`, inserted with its parents where they are missing."""
    current = TOP
    for name in filter(None, path.split(b"/")):
        found = database.execute(
            "SELECT id FROM directories WHERE parent = ? AND name = ? AND absent IS NULL",
            (current, name),
        ).fetchone()
        current = found[0] if found else _insert(database, current, name)
    return current


def _insert(database: sqlite3.Connection, parent: int, name: bytes) -> int:
    cursor = database.execute(
        "INSERT INTO directories (parent, name) VALUES (?, ?)", (parent, name)
    )
    return int(cursor.lastrowid or 0)


def _repair_columns(database: sqlite3.Connection) -> None:
    """Empties columns with values of a wrong type; the next scan fills them again."""
    for column, kinds in (("covered", "'integer', 'null'"), ("failure", "'text', 'null'")):
        database.execute(
            f"UPDATE directories SET {column} = NULL WHERE typeof({column}) NOT IN ({kinds})"
        )
    database.execute(
        "UPDATE directories SET listing = x'' WHERE typeof(listing) NOT IN ('blob', 'null')"
    )


def _delete(database: sqlite3.Connection, rows: list[_Row]) -> list[bytes]:
    """Deletes directories, and returns their names."""
    for identifier, *_ in rows:
        for table, column in (
            ("roots", "directory"),
            ("disks", "directory"),
            ("forgotten", "directory"),
            ("directories", "id"),
        ):
            database.execute(f"DELETE FROM {table} WHERE {column} = ?", (identifier,))
    return [row[2] if isinstance(row[2], bytes) else os.fsencode(str(row[2])) for row in rows]
