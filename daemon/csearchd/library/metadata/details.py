"""All that is stored of files, for showing it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

_PARAMETERS = 500  # in one SQL statement


@contextmanager
def snapshot(database: sqlite3.Connection) -> Iterator[None]:
    """All that the block reads is of one state of the library; else every statement has its own."""
    if database.in_transaction:  # so it is already
        yield
        return
    database.execute("BEGIN")
    try:
        yield
    finally:
        database.execute("COMMIT")


def details(database: sqlite3.Connection, files: Iterable[int]) -> dict[int, dict[str, Any]]:
    """All that is stored of some files, by their ids; what isn't known is left out.

    size (bytes), mtime_ns, format (Pillow's name, or RAW), width, height (pixels, as shown), what
    csearchd.metadata.record lists, and keywords, a list in the order of the alphabet.
    """
    found: dict[int, dict[str, Any]] = {}
    chosen = list(files)
    with snapshot(database):
        for start in range(0, len(chosen), _PARAMETERS):
            found |= _details(database, chosen[start : start + _PARAMETERS])
    return found


def _details(database: sqlite3.Connection, files: list[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    marks = ",".join("?" * len(files))
    cursor = database.execute(
        "SELECT f.id, f.size, f.mtime_ns, c.format, c.width, c.height, m.* FROM files f "
        "LEFT JOIN contents c ON c.id = f.content LEFT JOIN metadata m ON m.file = f.id "
        f"WHERE f.id IN ({marks})",
        files,
    )
    names = [column[0] for column in cursor.description]
    for row in cursor:
        known = zip(names[1:], row[1:], strict=True)
        found[row[0]] = {
            name: value
            for name, value in known
            if value is not None and name not in ("file", "outdated")
        }
    pairs = database.execute(
        "SELECT p.file, k.text FROM file_keywords p JOIN keywords k ON k.id = p.keyword "
        f"WHERE p.file IN ({marks}) ORDER BY k.text",
        files,
    )
    for file, text in pairs:
        found[file].setdefault("keywords", []).append(text)
    return found
