"""Roots: the directories that the user has added to be watched."""

from __future__ import annotations

import sqlite3
import time

from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.library.tree import TOP
from csearchd.library.volumes import unmounted


def roots(library: Library) -> list[bytes]:
    """The sorted paths of the roots on mounted disks. Raises LibraryError."""
    with library.read() as database, library.memory_lock:
        rows = database.execute("SELECT directory FROM roots").fetchall()
        return sorted(library.tree.path(row[0]) for row in rows if row[0] in library.tree)


def last_scans(library: Library) -> list[tuple[bytes, int | None, str | None]]:
    """The same paths with the time, in seconds since 1970, of the last complete scan (None if there
    was none, or if the root can't be listed now), and why it can't be listed, or None. Raises
    LibraryError."""
    with library.read() as database, library.memory_lock:
        rows = database.execute(
            "SELECT directory, CASE WHEN failure IS NULL THEN covered END, failure "
            "FROM roots JOIN directories ON id = directory"
        ).fetchall()
        tree = library.tree
        return sorted((tree.path(row[0]), row[1], row[2]) for row in rows if row[0] in tree)


def unwatched(library: Library) -> list[bytes]:
    """The sorted paths of directories that were read, as for a search, and are no roots: those at
    the top, neither below roots nor below one another. Raises LibraryError."""
    found, places = [], [TOP]
    with library.read() as database, library.memory_lock:
        tree = library.tree
        roots = {row[0] for row in database.execute("SELECT directory FROM roots")}
        for place in places:  # which grows by those to look into
            if place in roots:
                continue
            read = database.execute(
                "SELECT 1 FROM directories WHERE id = ? "
                "AND (covered IS NOT NULL OR listing IS NOT NULL OR failure IS NOT NULL)",
                (place,),
            ).fetchone()
            if read:
                found.append(tree.path(place))
            else:
                places.extend(tree.children(place).values())
    return sorted(found)


def add(library: Library, path: bytes) -> None:
    """Makes the directory at `path` a root, unless it is one. Raises LibraryError."""
    with library.write() as database:
        directory = listings.directory_row(library, database, path)
        database.execute("INSERT OR IGNORE INTO roots VALUES (?, ?)", (directory, int(time.time())))


def remove(library: Library, path: bytes) -> bool:
    """Removes the root at `path`: the mounted one, else an unmounted one. Returns whether there was
    one. Raises LibraryError.

    Its files are removed too, unless it is below another root; roots inside it must be scanned
    again. Contents and vectors are kept for a while, so that adding it again costs no encoding.
    """
    with library.write() as database:
        directory = library.tree.find(path)
        cursor = database.execute("DELETE FROM roots WHERE directory = ?", (directory,))
        if not cursor.rowcount:
            return _remove_unmounted_root(library, database, path)
        if not any(is_below(path, other) for other in roots(library)):
            listings.remove(library, path)
            for part in unmounted.directories_at(database, path):
                if not listings.roots_among(database, [part]):
                    unmounted.remove_unmounted(library, database, part)
        return True


def _remove_unmounted_root(library: Library, database: sqlite3.Connection, path: bytes) -> bool:
    """`remove` for the roots on unmounted disks that were last at `path`."""
    removed = [root for root in unmounted.unmounted_roots(database) if root.path == path]
    for root in removed:
        database.execute("DELETE FROM roots WHERE directory = ?", (root.directory,))
        others = unmounted.unmounted_roots(database)
        inside = {row[0] for other in others for row in unmounted.below(database, other.directory)}
        if root.directory not in inside:
            unmounted.remove_unmounted(library, database, root.directory)
    return bool(removed)


def is_below(path: bytes, directory: bytes) -> bool:
    """Whether `path` is `directory` or is below it."""
    return path == directory or path.startswith(directory.rstrip(b"/") + b"/")
