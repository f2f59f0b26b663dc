"""Writes keywords and people to the database, and tells those in memory about it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from csearchd.library.library import Library
from csearchd.library.metadata.labels import Labels


def store(
    library: Library, database: sqlite3.Connection, file: int, labels: Labels, texts: Iterable[str]
) -> None:
    """Replaces a file's `labels` of a kind by `texts`; inside a `write()`."""
    table, pairs, column, _ = labels.kind
    before = {
        row[0] for row in database.execute(f"SELECT {column} FROM {pairs} WHERE file = ?", (file,))
    }
    now: set[int] = set()
    new: dict[int, str] = {}
    for text in dict.fromkeys(texts):
        row = database.execute(f"SELECT id FROM {table} WHERE text = ?", (text,)).fetchone()
        if row is None:
            row = database.execute(
                f"INSERT INTO {table} (text) VALUES (?) RETURNING id", (text,)
            ).fetchone()
            new[row[0]] = text
        now.add(row[0])
    if now == before:
        return
    database.executemany(
        f"DELETE FROM {pairs} WHERE file = ? AND {column} = ?",
        [(file, label) for label in before - now],
    )
    database.executemany(
        f"INSERT INTO {pairs} (file, {column}) VALUES (?, ?)",
        [(file, label) for label in now - before],
    )
    library.after_commit(lambda: labels.changed(now ^ before, new))


def store_regions(
    database: sqlite3.Connection, file: int, regions: Mapping[str, Sequence[float]]
) -> None:
    """Stores where a file's people are, by their names; inside a `write()`."""
    database.execute(
        "UPDATE file_people SET (x, y, width, height) = (NULL, NULL, NULL, NULL) WHERE file = ?",
        (file,),
    )
    database.executemany(
        "UPDATE file_people SET (x, y, width, height) = (?, ?, ?, ?) "
        "WHERE file = ? AND person = (SELECT id FROM people WHERE text = ?)",
        [(*region, file, name) for name, region in regions.items()],
    )


def delete_unused(library: Library, database: sqlite3.Connection) -> None:
    """Deletes keywords and people without files; inside a `write()`."""
    for labels in (library.keywords, library.people):
        table, pairs, column, _ = labels.kind
        database.execute(
            f"DELETE FROM {table} WHERE NOT EXISTS "
            f"(SELECT 1 FROM {pairs} WHERE {column} = {table}.id)"
        )
        library.after_commit(labels.forget)
