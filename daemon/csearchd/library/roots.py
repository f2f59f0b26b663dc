"""The directories that the user asked to keep an eye on."""

from __future__ import annotations

import sqlite3
import time

from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.library.volumes import unmounted


def roots(library: Library) -> list[bytes]:
    """The paths of those whose disk is there, sorted."""
    with library.read() as database, library.memory_lock:
        rows = database.execute("SELECT directory FROM roots").fetchall()
        return sorted(library.tree.path(row[0]) for row in rows if row[0] in library.tree)


def reconciled(library: Library) -> list[tuple[bytes, int | None]]:
    """Those paths, sorted, each with when all below it was last listed: seconds since 1970."""
    with library.read() as database, library.memory_lock:
        rows = database.execute(
            "SELECT directory, covered FROM roots JOIN directories ON id = directory"
        ).fetchall()
        return sorted((library.tree.path(row[0]), row[1]) for row in rows if row[0] in library.tree)


def add(library: Library, path: bytes) -> None:
    """Makes the directory at `path` a root; again is harmless."""
    with library.write() as database:
        directory = listings.directory_row(library, database, path)
        database.execute("INSERT OR IGNORE INTO roots VALUES (?, ?)", (directory, int(time.time())))


def remove(library: Library, path: bytes) -> bool:
    """Makes it a root no more; False if it was none. Of two at a path the one that is there goes.

    Its pictures leave the results with it, unless they are below another root: roots inside it must
    be scanned again. Vectors are kept like those of any content without a file, so that a change
    of mind costs no encoding.
    """
    with library.write() as database:
        directory = library.tree.find(path)
        cursor = database.execute("DELETE FROM roots WHERE directory = ?", (directory,))
        if not cursor.rowcount:
            return _remove_absent(library, database, path)
        if not any(is_below(path, other) for other in roots(library)):
            listings.remove(library, path)
            for part in unmounted.directories_at(database, path):
                if not listings.roots_among(database, [part]):
                    unmounted.remove_unmounted(library, database, part)
        return True


def _remove_absent(library: Library, database: sqlite3.Connection, path: bytes) -> bool:
    """`remove` for a root whose disk is away, by its last path."""
    gone = [root for root in unmounted.unmounted_roots(database) if root.path == path]
    for root in gone:
        database.execute("DELETE FROM roots WHERE directory = ?", (root.directory,))
        others = unmounted.unmounted_roots(database)
        inside = {row[0] for other in others for row in unmounted.below(database, other.directory)}
        if root.directory not in inside:
            unmounted.remove_unmounted(library, database, root.directory)
    return bool(gone)


def is_below(path: bytes, directory: bytes) -> bool:
    """Whether `path` is `directory` or below it."""
    return path == directory or path.startswith(directory.rstrip(b"/") + b"/")
