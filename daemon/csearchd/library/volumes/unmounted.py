"""Looks up directories and files on unmounted disks by their last paths, and removes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from csearchd.library.library import Library
from csearchd.library.listings import remove_files, roots_among

_BELOW = (
    "WITH RECURSIVE inner (id, parent, name) AS ("
    "SELECT id, parent, name FROM directories WHERE id = ? UNION ALL "
    "SELECT d.id, d.parent, d.name FROM directories d JOIN inner ON d.parent = inner.id)"
)


class UnmountedRoot(NamedTuple):
    """A root on an unmounted disk."""

    directory: int  # id
    path: bytes  # the last one
    since: int  # when it was unmounted, seconds since 1970
    files: int  # how many are below it


def unmounted_roots(database: sqlite3.Connection) -> list[UnmountedRoot]:
    """The roots on unmounted disks, sorted by their last paths."""
    rows = database.execute(
        "SELECT r.directory, path, absent FROM roots r JOIN disks k ON k.directory = r.directory "
        "JOIN directories d ON d.id = r.directory WHERE absent IS NOT NULL ORDER BY path"
    ).fetchall()
    return [UnmountedRoot(root, path, since, _count(database, root)) for root, path, since in rows]


def below(database: sqlite3.Connection, top: int) -> list[tuple[int, int, bytes]]:
    """The id, parent's id and name of a directory and of all below it, parents first."""
    rows: list[tuple[int, int, bytes]] = database.execute(
        f"{_BELOW} SELECT id, parent, name FROM inner", (top,)
    ).fetchall()
    return rows


def paths(database: sqlite3.Connection, top: int) -> dict[int, bytes]:
    """The last paths, ending with "/", of an unmounted directory and of all below it, by id."""
    found: dict[int, bytes] = {}
    for directory, parent, name in below(database, top):
        above = found.get(parent)
        if above is None:
            found[directory] = _last_path(database, directory)
        else:
            found[directory] = above + name + b"/"
    return found


def directories_at(database: sqlite3.Connection, path: bytes) -> list[int]:
    """The ids of the unmounted directory that was at `path`, or of the topmost ones that were below
    it."""
    found = []
    inside = path.rstrip(b"/") + b"/"
    for top, last in _tops(database):
        if last == path or last.startswith(inside):
            found.append(top)
        elif (directory := _descend(database, top, last, path)) is not None:
            found.append(directory)
    return found


def count_files_at(database: sqlite3.Connection, path: bytes) -> int:
    """The number of files on unmounted disks that were at or below `path`."""
    return sum(_count(database, directory) for directory in directories_at(database, path))


def file_at(database: sqlite3.Connection, path: bytes) -> tuple[int, int, int | None] | None:
    """The ids of the file on an unmounted disk that was at `path`, of its directory and content."""
    parent, _, name = path.rpartition(b"/")
    for top, last in _tops(database):
        directory = _descend(database, top, last, parent)
        row: tuple[int, int, int | None] | None = database.execute(
            "SELECT id, directory, content FROM files WHERE directory = ? AND name = ?",
            (directory, name),
        ).fetchone()
        if row:
            return row
    return None


def contents_of(database: sqlite3.Connection, directories: Iterable[int]) -> set[int]:
    """The ids of the contents of all files in or below some unmounted directories."""
    found: set[int] = set()
    for top in directories:
        for row in below(database, top):
            found.update(
                content
                for (content,) in database.execute(
                    "SELECT content FROM files WHERE directory = ? AND content NOTNULL", (row[0],)
                )
            )
    return found


def remove_unmounted(
    library: Library, database: sqlite3.Connection, top: int, with_roots: bool = False
) -> int:
    """Removes an unmounted directory and all below it, with their files; inside a `write()`.

    Roots remain roots, without files, unless `with_roots`. Returns the number of removed files.
    """
    rows = below(database, top)
    parents = {row[0]: row[1] for row in rows}
    roots = roots_among(database, parents)
    if with_roots:
        database.executemany("DELETE FROM roots WHERE directory = ?", [(root,) for root in roots])
        roots = set()
    kept: set[int | None] = set()
    for root in roots:
        current: int | None = root
        while current is not None and current not in kept:
            kept.add(current)
            current = parents.get(current)
    count = 0
    for directory, _, _ in reversed(rows):
        files = database.execute(
            "SELECT id, content FROM files WHERE directory = ?", (directory,)
        ).fetchall()
        remove_files(library, database, files)
        count += len(files)
        if directory in kept:
            database.execute("UPDATE directories SET listing = x'' WHERE id = ?", (directory,))
        else:
            database.execute("DELETE FROM directories WHERE id = ?", (directory,))
    return count


def _tops(database: sqlite3.Connection) -> list[tuple[int, bytes]]:
    """The topmost unmounted directories: ids and last paths."""
    """The topmost unmounted directories: ids and last paths."""
    rows: list[tuple[int, bytes]] = database.execute(
        "SELECT directory, path FROM disks JOIN directories ON id = directory "
        "WHERE absent IS NOT NULL AND parent IS NULL ORDER BY path"
    ).fetchall()
    return rows


def _last_path(database: sqlite3.Connection, directory: int) -> bytes:
    """The last path, ending with "/", of an unmounted directory."""
    names: list[bytes] = []
    while True:
        parent, name, path = database.execute(
            "SELECT parent, name, path FROM directories LEFT JOIN disks ON directory = id "
            "WHERE id = ?",
            (directory,),
        ).fetchone()
        if parent is None:
            return b"/".join([(path or b"").rstrip(b"/"), *reversed(names), b""])
        names.append(name)
        directory = parent


def _descend(database: sqlite3.Connection, top: int, last: bytes, path: bytes) -> int | None:
    """The id of the directory that was at `path`, at or below `top`, which was at `last`."""
    if path != last and not path.startswith(last.rstrip(b"/") + b"/"):
        return None
    directory: int | None = top
    for name in path[len(last) :].split(b"/"):
        if name and directory is not None:
            row = database.execute(
                "SELECT id FROM directories WHERE parent = ? AND name = ?", (directory, name)
            ).fetchone()
            directory = row[0] if row else None
    return directory


def _count(database: sqlite3.Connection, top: int) -> int:
    """The number of files in and below a directory."""
    """The number of files in and below a directory."""
    (count,) = database.execute(
        f"{_BELOW} SELECT count(*) FROM inner JOIN files ON directory = inner.id", (top,)
    ).fetchone()
    return int(count)
