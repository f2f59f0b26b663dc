"""The ledger in the library: what we wrote for which file, and what was about to be written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgpack

from csearchd.library.library import Library

_COLUMNS = "mark, root, words, removed, model, written, digest, original"
_PARAMETERS = 500  # in one SQL statement

Message = dict[str, Any]  # of a Record (csearchd.tags.record)


class Entry(NamedTuple):
    """A row, with its record and the one that was intended, as messages."""

    row: int
    file: int | None
    path: bytes
    carrier: str
    record: Message | None
    intended: Message | None


class Outcome(NamedTuple):
    """What came of a file in a mode. `reason`: why it was left alone."""

    file: int | None
    path: bytes
    carrier: str
    row: int | None
    record: Message | None
    reason: str | None
    visit: tuple[str, int | None, str] | None  # mode, content, edition: not to be visited again


def entries(library: Library, files: Sequence[int]) -> list[Entry]:
    """The entries of some files."""
    found: list[Entry] = []
    with library.read() as database:
        for start in range(0, len(files), _PARAMETERS):
            part = files[start : start + _PARAMETERS]
            marks = ",".join("?" * len(part))
            found += _entries(database, f"file IN ({marks})", part)
    return found


def by_row(library: Library, row: int) -> Entry | None:
    with library.read() as database:
        return next(_entries(database, "id = ?", (row,)), None)


def lost_entries(library: Library) -> list[Entry]:
    """Those of files that the library doesn't know any more; they may be where they were."""
    with library.read() as database:
        return list(_entries(database, "file IS NULL", ()))


def all_files(library: Library) -> list[int]:
    """The files that have entries, and copies of theirs, which may have brought their words."""
    with library.read() as database:
        rows = database.execute(
            "SELECT file FROM tag_ledger WHERE file IS NOT NULL UNION "
            "SELECT copy.id FROM tag_ledger JOIN files ON files.id = tag_ledger.file "
            "JOIN files AS copy ON copy.content = files.content"
        )
        return [row[0] for row in rows]


def by_mark(library: Library, mark: str) -> Entry | None:
    """An entry of a write; one without a file first, since that may have been moved."""
    with library.read() as database:
        found = _entries(database, "mark = ? ORDER BY file IS NOT NULL LIMIT 1", (mark,))
        return next(found, None)


def detach(library: Library, rows: Iterable[int]) -> None:
    """These entries are of their paths from now on, not of their files."""
    with library.write() as database:
        database.executemany(
            "UPDATE tag_ledger SET file = NULL WHERE id = ?", [(row,) for row in rows]
        )


def unfinished(library: Library) -> list[Entry]:
    """Those for which a killed tagger was about to write."""
    with library.read() as database:
        return list(_entries(database, "intended IS NOT NULL", ()))


def intend(library: Library, outcomes: Iterable[Outcome]) -> list[int]:
    """Notes what is about to be written: `record` of each. Returns the rows."""
    rows: list[int] = []
    with library.write() as database:
        for one in outcomes:
            row = one.row or _row(database, one)
            database.execute(
                "UPDATE tag_ledger SET intended = ?, path = ?, file = coalesce(file, ?) "
                "WHERE id = ?",
                (msgpack.packb(one.record), one.path, one.file, row),
            )
            rows.append(row)
    return rows


def settle(library: Library, outcomes: Iterable[Outcome]) -> None:
    """Notes what is true now. A record of None leaves what is there; nothing is intended any
    more."""
    with library.write() as database:
        for one in outcomes:
            record = one.record
            if record is not None:
                row = one.row or _row(database, one)
                database.execute(
                    f"UPDATE tag_ledger SET ({_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?), "
                    "path = ?, file = coalesce(file, ?) WHERE id = ?",
                    (
                        record["mark"],
                        record["root"],
                        json.dumps(record["words"], ensure_ascii=False),
                        json.dumps(record["removed"], ensure_ascii=False),
                        record["model"],
                        record["written"],
                        record["digest"],
                        record["original"],
                        one.path,
                        one.file,
                        row,
                    ),
                )
            else:
                row = one.row or 0
            database.execute("UPDATE tag_ledger SET intended = NULL WHERE id = ?", (row,))
            database.execute(
                "DELETE FROM tag_ledger WHERE id = ? AND (words IS NULL OR "
                "(words = '[]' AND removed = '[]'))",
                (row,),
            )
            if one.file is not None and one.visit:
                database.execute(
                    "INSERT OR REPLACE INTO tag_visits "
                    "SELECT id, ?, ?, ?, ? FROM files WHERE id = ?",
                    (*one.visit, one.reason, one.file),
                )


def forget_visits(library: Library, files: Sequence[int]) -> None:
    """The files may be tagged again."""
    with library.write() as database:
        database.executemany("DELETE FROM tag_visits WHERE file = ?", [(file,) for file in files])


def _row(database: sqlite3.Connection, one: Outcome) -> int:
    """The row of a file and carrier, made if there is none."""
    if one.file is not None:
        found = database.execute(
            "SELECT id FROM tag_ledger WHERE file = ? AND carrier = ?", (one.file, one.carrier)
        ).fetchone()
        if found:
            return int(found[0])
    cursor = database.execute(
        "INSERT INTO tag_ledger (file, path, carrier) "
        "VALUES ((SELECT id FROM files WHERE id = ?), ?, ?)",
        (one.file, one.path, one.carrier),
    )
    return int(cursor.lastrowid or 0)


def _entries(
    database: sqlite3.Connection, where: str, parameters: Sequence[object]
) -> Iterator[Entry]:
    rows = database.execute(
        f"SELECT id, file, path, carrier, intended, {_COLUMNS} FROM tag_ledger WHERE {where}",
        parameters,
    )
    for row, file, path, carrier, intended, *columns in rows:
        names = [name.strip() for name in _COLUMNS.split(",")]
        record: Message | None = dict(zip(names, columns, strict=True))
        if record and record["words"] is None:
            record = None
        elif record:
            record["words"] = json.loads(record["words"])
            record["removed"] = json.loads(record["removed"])
        later = msgpack.unpackb(intended) if intended else None
        yield Entry(row, file, path, carrier, record, later)
