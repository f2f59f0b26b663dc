"""The directories that the user asked to keep an eye on."""

from __future__ import annotations

import time

from csearchd.library import listings
from csearchd.library.library import Library


def roots(library: Library) -> list[bytes]:
    """Their paths, sorted."""
    with library.read() as database, library.memory:
        rows = database.execute("SELECT directory FROM roots").fetchall()
        return sorted(library.tree.path(row[0]) for row in rows if row[0] in library.tree)


def reconciled(library: Library) -> list[tuple[bytes, int | None]]:
    """Their paths, sorted, each with when all below it was last listed: seconds since 1970."""
    with library.read() as database, library.memory:
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
    """Makes it a root no more; False if it was none.

    Its pictures leave the results with it, unless they are below another root: roots inside it must
    be scanned again. Vectors are kept like those of any content without a file, so that a change
    of mind costs no encoding.
    """
    with library.write() as database:
        directory = library.tree.find(path)
        cursor = database.execute("DELETE FROM roots WHERE directory = ?", (directory,))
        if not cursor.rowcount:
            return False
        if not any(is_below(path, other) for other in roots(library)):
            listings.remove(library, path)
        return True


def is_below(path: bytes, directory: bytes) -> bool:
    """Whether `path` is `directory` or below it."""
    return path == directory or path.startswith(directory.rstrip(b"/") + b"/")
