"""Writes keywords to the database, and tells the keywords in memory about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from csearchd.library.library import Library


def store(
    library: Library, database: sqlite3.Connection, file: int, keywords: Iterable[str]
) -> None:
    """Replaces a file's keywords by `keywords`; inside a `write()`."""
    texts = dict.fromkeys(keywords)
    before = {
        row[0]
        for row in database.execute("SELECT keyword FROM file_keywords WHERE file = ?", (file,))
    }
    now: set[int] = set()
    new: dict[int, str] = {}
    for text in texts:
        row = database.execute("SELECT id FROM keywords WHERE text = ?", (text,)).fetchone()
        if row is None:
            row = database.execute(
                "INSERT INTO keywords (text) VALUES (?) RETURNING id", (text,)
            ).fetchone()
            new[row[0]] = text
        now.add(row[0])
    if now == before:
        return
    database.executemany(
        "DELETE FROM file_keywords WHERE file = ? AND keyword = ?",
        [(file, keyword) for keyword in before - now],
    )
    database.executemany(
        "INSERT INTO file_keywords VALUES (?, ?)", [(file, keyword) for keyword in now - before]
    )
    library.after_commit(lambda: library.keywords.changed(now ^ before, new))


def delete_unused(library: Library, database: sqlite3.Connection) -> None:
    """Deletes keywords without files; inside a `write()`."""
    database.execute(
        "DELETE FROM keywords WHERE NOT EXISTS "
        "(SELECT 1 FROM file_keywords WHERE keyword = keywords.id)"
    )
    library.after_commit(library.keywords.forget)
