"""Directories that don't hang in the tree: a damaged row, an unknown parent, a cycle of parents."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import Any

from csearchd.library.tree import TOP

_SPARE_IDS = 1_000_000  # beyond 64 times as many as there are, a number is a damaged one

_Row = tuple[Any, Any, Any, Any]  # id, parent, name, absent


def mend(database: sqlite3.Connection) -> list[bytes]:
    """Takes such directories out, inside a transaction without foreign keys; roots among them, and
    what has a disk of its own, are put back to where they were, with all below them.

    Returns the names or paths of those that went. Their files are the caller's to drop.
    """
    database.execute("INSERT OR IGNORE INTO directories (id, parent, name) VALUES (1, NULL, x'')")
    database.execute(
        "UPDATE directories SET parent = NULL, name = x'', absent = NULL WHERE id = 1 "
        "AND (parent IS NOT NULL OR name <> x'' OR absent IS NOT NULL)"
    )
    loose = _loose(database)
    if not loose:
        _restore_roots(database, [])
        return _tidy(database, [])
    _restore_roots(database, loose)
    return _tidy(database, _loose(database))


def _loose(database: sqlite3.Connection) -> list[_Row]:
    rows: list[_Row] = database.execute(
        "SELECT id, parent, name, absent FROM directories"
    ).fetchall()
    most = _SPARE_IDS + 64 * len(rows)
    parents = {row[0]: row[1] for row in rows if _is_sound(row, most)}
    away = {row[0]: row[3] is not None for row in rows}
    hangs = {TOP: True}
    for start in parents:
        way: list[int] = []
        current = start
        while current not in hangs:
            hangs[current] = False  # until it is known: who meets it again goes round in a circle
            way.append(current)
            parent = parents.get(current)
            if current not in parents:
                break
            if parent is None:
                hangs[current] = away[current]  # of a disk that is away
                way.pop()
                break
            if away.get(parent) != away[current]:
                break
            current = parent
        for one in way:
            hangs[one] = hangs.get(current, False)
    return [row for row in rows if not hangs.get(row[0], False)]


def _is_sound(row: _Row, most: int) -> bool:
    identifier, parent, name, absent = row
    if identifier == TOP:
        return True
    return (
        0 < identifier <= most
        and (parent is None or isinstance(parent, int))
        and (absent is None or isinstance(absent, int))
        and isinstance(name, bytes)
        and name not in (b"", b".", b"..")
        and not (b"/" in name or b"\0" in name)
    )


def _restore_roots(database: sqlite3.Connection, loose: list[_Row]) -> None:
    """Hangs what has a path of its own where that says, and makes lost rows of roots anew."""
    numbers = {row[0] for row in loose}
    places = database.execute(
        "SELECT directory, path, directory IN (SELECT id FROM directories), "
        "directory IN (SELECT directory FROM roots) FROM disks"
    ).fetchall()
    for directory, path, there, is_root in sorted(places, key=lambda row: str(row[1])):
        usable = isinstance(path, bytes) and path[:1] == b"/" and b"\0" not in path
        if not usable or path == b"/" or (there and directory not in numbers):
            continue
        if not there and not is_root:
            continue
        above, _, name = path.rpartition(b"/")
        parent = _directory_at(database, above)
        found = database.execute(
            "SELECT id FROM directories WHERE parent = ? AND name = ?", (parent, name)
        ).fetchone()
        if there and not found:
            database.execute(
                "UPDATE directories SET parent = ?, name = ?, absent = NULL, listing = x'' "
                "WHERE id = ?",
                (parent, name, directory),
            )
        elif is_root:
            new = found[0] if found else _make(database, parent, name)
            database.execute("DELETE FROM roots WHERE directory = ?", (directory,))
            database.execute("INSERT OR IGNORE INTO roots VALUES (?, ?)", (new, int(time.time())))


def _directory_at(database: sqlite3.Connection, path: bytes) -> int:
    current = TOP
    for name in filter(None, path.split(b"/")):
        found = database.execute(
            "SELECT id FROM directories WHERE parent = ? AND name = ? AND absent IS NULL",
            (current, name),
        ).fetchone()
        current = found[0] if found else _make(database, current, name)
    return current


def _make(database: sqlite3.Connection, parent: int, name: bytes) -> int:
    cursor = database.execute(
        "INSERT INTO directories (parent, name) VALUES (?, ?)", (parent, name)
    )
    return int(cursor.lastrowid or 0)


def _tidy(database: sqlite3.Connection, gone: list[_Row]) -> list[bytes]:
    for column, kinds in (("covered", "'integer', 'null'"), ("failure", "'text', 'null'")):
        database.execute(
            f"UPDATE directories SET {column} = NULL WHERE typeof({column}) NOT IN ({kinds})"
        )
    database.execute(
        "UPDATE directories SET listing = x'' WHERE typeof(listing) NOT IN ('blob', 'null')"
    )
    for identifier, *_ in gone:
        for table, column in (
            ("roots", "directory"),
            ("disks", "directory"),
            ("directories", "id"),
        ):
            database.execute(f"DELETE FROM {table} WHERE {column} = ?", (identifier,))
    return [os.fsencode(str(row[2])) if not isinstance(row[2], bytes) else row[2] for row in gone]
