"""Stores saved searches: queries with names, which are names of files."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

from csearchd.library.library import Library
from csearchd.library.roots import is_below

_COLUMNS = "id, name, query, top, sort, min_confidence, reverse"


class SavedPicture(NamedTuple):
    """A picture of a query: the characters that stand for it, and its absolute path."""

    start: int
    stop: int
    path: bytes


class SavedSearch(NamedTuple):
    """A query with a name. What is None has its default; without `scopes` it is about all that is
    known."""

    name: bytes
    query: str
    scopes: tuple[bytes, ...] = ()  # absolute paths of directories
    pictures: tuple[SavedPicture, ...] = ()
    top: int | None = None
    sort: str | None = None
    min_confidence: str | None = None
    reverse: bool = False  # the order


def read(library: Library) -> list[SavedSearch]:
    """All saved searches, sorted by name. Raises LibraryError."""
    with library.read() as database:
        rows = database.execute(f"SELECT {_COLUMNS} FROM saved_searches ORDER BY name").fetchall()
        return [_from_row(database, row) for row in rows]


def find(library: Library, name: bytes) -> SavedSearch | None:
    """The saved search called `name`; None if there is none. Raises LibraryError."""
    with library.read() as database:
        row = database.execute(
            f"SELECT {_COLUMNS} FROM saved_searches WHERE name = ?", (name,)
        ).fetchone()
        return _from_row(database, row) if row else None


def add(library: Library, search: SavedSearch, replace: bool) -> bool:
    """Saves a search. Returns whether it did: one with the same name stays, unless it is to be
    replaced. Raises LibraryError."""
    with library.write() as database:
        if find(library, search.name):
            if not replace:
                return False
            remove(library, search.name)
        row = database.execute(
            "INSERT INTO saved_searches (name, query, top, sort, min_confidence, reverse) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(search.name, search.query, search.top, search.sort, search.min_confidence),
                search.reverse,
            ),
        ).lastrowid
        database.executemany(
            "INSERT OR IGNORE INTO saved_scopes VALUES (?, ?)",
            [(row, path) for path in search.scopes],
        )
        database.executemany(
            "INSERT INTO saved_pictures VALUES (?, ?, ?, ?)",
            [(row, *picture) for picture in search.pictures],
        )
        return True


def rename(library: Library, name: bytes, new: bytes) -> bool:
    """Renames a saved search. Returns whether it existed. Raises LibraryError, or KeyError if
    another one is called `new`."""
    with library.write() as database:
        if new != name and find(library, new):
            raise KeyError(new)
        changed = database.execute("UPDATE saved_searches SET name = ? WHERE name = ?", (new, name))
        return changed.rowcount > 0


def remove(library: Library, name: bytes) -> bool:
    """Deletes a saved search. Returns whether it existed. Raises LibraryError."""
    with library.write() as database:
        gone = database.execute("DELETE FROM saved_searches WHERE name = ?", (name,))
        return gone.rowcount > 0


def carry_paths(database: sqlite3.Connection, old: bytes, new: bytes) -> None:
    """Gives scopes and pictures at or below `old`, which was moved, their new paths; inside a
    `write()`."""
    rows = database.execute("SELECT search, path FROM saved_scopes").fetchall()
    for search, path in rows:
        if is_below(path, old):
            database.execute(
                "UPDATE OR REPLACE saved_scopes SET path = ? WHERE search = ? AND path = ?",
                (new + path[len(old) :], search, path),
            )
    rows = database.execute("SELECT DISTINCT path FROM saved_pictures").fetchall()
    for (path,) in rows:
        if is_below(path, old):
            database.execute(
                "UPDATE saved_pictures SET path = ? WHERE path = ?", (new + path[len(old) :], path)
            )


def _from_row(database: sqlite3.Connection, row: tuple[Any, ...]) -> SavedSearch:
    number, name, query, top, sort, min_confidence, reverse = row
    scopes = database.execute(
        "SELECT path FROM saved_scopes WHERE search = ? ORDER BY path", (number,)
    )
    pictures = database.execute(
        "SELECT start, stop, path FROM saved_pictures WHERE search = ? ORDER BY start", (number,)
    )
    return SavedSearch(
        name,
        query,
        tuple(path for (path,) in scopes),
        tuple(SavedPicture(*picture) for picture in pictures),
        top,
        sort,
        min_confidence,
        bool(reverse),
    )
