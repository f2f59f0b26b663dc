"""Deletes what was forgotten and put aside (csearchd.library.removal.forgetting), with everything
that nothing else needs.

A step is a short transaction, so that whoever else writes waits no longer. Where the service ends
in between, the next one goes on.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from csearchd.library import contents, listings
from csearchd.library.library import Library
from csearchd.library.metadata import stored_labels

_FILES = 2000  # that a step deletes
_DIRECTORIES = 500  # the same
_SETTING = "forgotten_left"  # set while something may be left, also after the service was killed
# CROSS JOIN: SQLite would go through all files, since it doesn't know that little is put aside.
_IN_ORDER = (
    "SELECT f.id, g.directory, f.name, CAST(g.path AS BLOB) FROM forgotten g "
    "CROSS JOIN directories d ON d.id = g.directory CROSS JOIN files f ON f.directory = d.id "
    "WHERE d.absent IS NOT NULL ORDER BY g.directory LIMIT ?"
)


class Files(NamedTuple):
    """Files that were put aside and are deleted next."""

    ids: list[int]
    paths: list[bytes]
    last: int | None  # the last one's directory; None if no more files are left


def must_run(library: Library) -> None:
    """Notes that something was put aside; inside the `write()` in which it is."""
    library.set(_SETTING, "yes")


def is_due(library: Library) -> bool:
    """Whether something may be left to delete. Raises LibraryError."""
    return library.setting(_SETTING) is not None


def count(library: Library) -> int:
    """The number of files that are still to be deleted. Raises LibraryError."""
    with library.read() as database:
        (left,) = database.execute(
            "SELECT count(*) FROM forgotten CROSS JOIN files USING (directory)"
        ).fetchone()
    return int(left)


def next_files(library: Library) -> Files | None:
    """The files that `delete` is to delete next; None once it has deleted everything. Raises
    LibraryError."""
    with library.read() as database:
        rows = database.execute(_IN_ORDER, (_FILES,)).fetchall()
        if not rows and not database.execute("SELECT 1 FROM forgotten LIMIT 1").fetchone():
            return None
    last = rows[-1][1] if rows else None
    return Files([row[0] for row in rows], [path + name for _, _, name, path in rows], last)


def delete(library: Library, files: Files) -> None:
    """Deletes files, contents that no other file has, and directories that are empty then. Raises
    LibraryError."""
    with library.write() as database:
        numbers = json.dumps(files.ids)
        held = database.execute(
            "SELECT DISTINCT content FROM files WHERE content IS NOT NULL "
            "AND id IN (SELECT value FROM json_each(?))",
            (numbers,),
        ).fetchall()
        listings.delete_files(library, database, files.ids)
        unused = contents.without_file(database, [row[0] for row in held])
        contents.delete(library, database, unused)
        empty = (
            "SELECT directory FROM forgotten g WHERE directory <= coalesce(?, directory) "
            "AND NOT EXISTS (SELECT 1 FROM files WHERE directory = g.directory) LIMIT ?"
        )
        chosen = database.execute(empty, (files.last, _DIRECTORIES)).fetchall()
        database.executemany("DELETE FROM directories WHERE id = ?", chosen)


def finish(library: Library) -> None:
    """Deletes labels and words that nothing has any more; to be called once all is deleted. Raises
    LibraryError."""
    with library.write() as database:
        stored_labels.delete_unused(library, database)
    forgotten = False
    while not forgotten:
        with library.write() as database:
            forgotten = library.words.forget_unused_words(database)
    library.texts.unused_words.forget()
    library.vacuum()
    with library.write() as database:
        if not database.execute("SELECT 1 FROM forgotten LIMIT 1").fetchone():
            library.set(_SETTING, None)
