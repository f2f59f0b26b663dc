"""Reads all that is stored of some files, to show it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from csearchd.library.metadata import times
from csearchd.library.metadata.labels import KEYWORDS, PEOPLE

_PARAMETERS = 500  # in one SQL statement


@contextmanager
def snapshot(database: sqlite3.Connection) -> Iterator[None]:
    """Lets all statements of the `with` block read the same state of the library."""
    if database.in_transaction:  # they do already
        yield
        return
    database.execute("BEGIN")
    try:
        yield
    finally:
        database.execute("COMMIT")


def details(database: sqlite3.Connection, files: Iterable[int]) -> dict[int, dict[str, Any]]:
    """All that is stored of some files, by file id; unknown values are left out.

    The keys are size (bytes), mtime_ns, format (Pillow's name, or RAW), width and height (pixels,
    as shown), incomplete (bool: the file lacks a part of the picture), and those of
    csearchd.metadata.record without regions; keywords and people are sorted lists. `date_doubtful`
    is True where it is that, also because of what the time is now. Raises sqlite3.Error.
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
        "SELECT f.id, f.size, f.mtime_ns, c.format, c.width, c.height, c.incomplete, m.* "
        "FROM files f LEFT JOIN contents c ON c.id = f.content "
        f"LEFT JOIN metadata m ON m.file = f.id WHERE f.id IN ({marks})",
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
        _judge_date(found[row[0]])
        if "incomplete" in found[row[0]]:
            found[row[0]]["incomplete"] = bool(found[row[0]]["incomplete"])
    for table, linked, column, _ in (KEYWORDS, PEOPLE):
        pairs = database.execute(
            f"SELECT p.file, k.text FROM {linked} p JOIN {table} k ON k.id = p.{column} "
            f"WHERE p.file IN ({marks}) ORDER BY k.text",
            files,
        )
        for file, text in pairs:
            found[file].setdefault(table, []).append(text)
    return found


def _judge_date(fields: dict[str, Any]) -> None:
    """Replaces what is stored of a date's doubts by what they are now."""
    invented = fields.pop("date_doubtful", 0)
    begun = times.beginning(fields.get("taken"), fields.pop("taken_ms", 0))
    if begun is not None and (invented or times.is_implausible(begun)):
        fields["date_doubtful"] = True
