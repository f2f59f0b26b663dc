"""The ledger in the library: what we wrote for which file, and what was about to be written.

A row that is damaged costs only itself: it is an entry that says so.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgpack

from csearchd.library.library import Library

CARRIERS = ("xattr", "sidecar", "embedded")
_TEXTS = ("mark", "root", "words", "removed", "model")
_NAMES = (*_TEXTS, "written", "digest", "original")
_COLUMNS = ", ".join(_NAMES)
_PARAMETERS = 500  # in one SQL statement

Message = dict[str, Any]  # of a Record (csearchd.tags.record)


class Entry(NamedTuple):
    """A row, with its record and the one that was intended, as messages.

    `content` is the scheme and identity of what was tagged. Of a `damaged` one both records are
    None, whatever was written.
    """

    row: int
    file: int | None
    path: bytes
    carrier: str
    record: Message | None
    intended: Message | None
    content: tuple[int, bytes] | None = None
    damaged: bool = False

    @property
    def marks(self) -> list[str]:
        """Of the writes that may be in the file."""
        return [one["mark"] for one in (self.record, self.intended) if one and one["mark"]]


class Outcome(NamedTuple):
    """What came of a file in a mode. `reason`: why it was left alone."""

    file: int | None
    path: bytes
    carrier: str
    row: int | None
    record: Message | None
    reason: str | None
    visit: tuple[str, int | None, str] | None  # mode, content, edition: not to be visited again
    content: tuple[int, bytes] | None = None  # scheme and identity of what is tagged


def entries(library: Library, files: Sequence[int]) -> list[Entry]:
    """The entries of some files."""
    return _entries_with(library, "file", files)


def _entries_with(library: Library, column: str, values: Sequence[int]) -> list[Entry]:
    """The entries in which a column has one of the values."""
    found: list[Entry] = []
    with library.read() as database:
        for start in range(0, len(values), _PARAMETERS):
            part = values[start : start + _PARAMETERS]
            marks = ",".join("?" * len(part))
            found += _entries(database, f"{column} IN ({marks})", part)
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


def unsettled(library: Library, rows: Iterable[int]) -> list[Entry]:
    """Those of some rows whose words weren't taken back, as far as is known."""
    found = _entries_with(library, "id", list(rows))
    return [
        entry
        for entry in found
        if entry.intended or entry.damaged or (entry.record and entry.record["words"])
    ]


def intend(library: Library, outcomes: Iterable[Outcome]) -> list[int]:
    """Notes what is about to be written: `record` of each. Returns the rows."""
    rows: list[int] = []
    with library.write() as database:
        for one in outcomes:
            row = one.row or _row(database, one)
            database.execute(
                "UPDATE tag_ledger SET intended = ? WHERE id = ?", (msgpack.packb(one.record), row)
            )
            _note_location(database, row, one)
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
                words, removed = (
                    json.dumps(record[name], ensure_ascii=False) for name in ("words", "removed")
                )
                values = {**record, "words": words, "removed": removed}
                database.execute(
                    f"UPDATE tag_ledger SET ({_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?",
                    (*(values[name] for name in _NAMES), row),
                )
                _note_location(database, row, one)
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


def _note_location(database: sqlite3.Connection, row: int, one: Outcome) -> None:
    """Notes where the tagged file is, and what it shows. Its row may have gone meanwhile, or its
    id be another file's."""
    database.execute("UPDATE tag_ledger SET path = ? WHERE id = ?", (one.path, row))
    database.execute(
        "UPDATE tag_ledger SET file = (SELECT id FROM files WHERE id = ? AND name = ?) "
        "WHERE id = ? AND file IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM tag_ledger WHERE file = ? AND carrier = ?)",
        (one.file, os.path.basename(one.path), row, one.file, one.carrier),
    )
    if one.content:
        database.execute(
            "UPDATE tag_ledger SET (scheme, identity) = (?, ?) WHERE id = ?", (*one.content, row)
        )


def _row(database: sqlite3.Connection, one: Outcome) -> int:
    """The row of a file and carrier, made if there is none."""
    if one.file is not None:
        found = database.execute(
            "SELECT id FROM tag_ledger WHERE file = ? AND carrier = ?", (one.file, one.carrier)
        ).fetchone()
        if found:
            return int(found[0])
    cursor = database.execute(
        "INSERT INTO tag_ledger (path, carrier) VALUES (?, ?)", (one.path, one.carrier)
    )
    return int(cursor.lastrowid or 0)


def _entries(
    database: sqlite3.Connection, where: str, parameters: Sequence[object]
) -> Iterator[Entry]:
    # As bytes: SQLite's text that isn't Unicode would end the query.
    texts = (f"CAST({name} AS BLOB)" for name in ("carrier", *_TEXTS))
    rows = database.execute(
        f"SELECT id, file, path, intended, written, digest, original, scheme, identity, "
        f"{', '.join(texts)} FROM tag_ledger WHERE {where}",
        parameters,
    )
    for row in rows:
        try:
            yield _entry(*row)
        except Exception:  # whatever json, msgpack and all that follows make of damaged bytes
            path = row[2] if isinstance(row[2], bytes) else str(row[2]).encode()
            carrier = (row[9] or b"").decode(errors="replace")
            yield Entry(row[0], row[1], path, carrier, None, None, damaged=True)


def _entry(
    row: int,
    file: int | None,
    path: bytes,
    intended: bytes | None,
    written: int | None,
    digest: bytes | None,
    original: bytes | None,
    scheme: int | None,
    identity: bytes | None,
    *texts: bytes | None,
) -> Entry:
    """Raises ValueError, or anything else, where the row is damaged."""
    carrier, *decoded = (None if text is None else text.decode() for text in texts)
    record: Message | None = dict(zip(_TEXTS, decoded, strict=True))
    if record and record["words"] is None:
        record = None
    elif record:
        record |= {"written": written, "digest": digest, "original": original}
        record |= {name: json.loads(record[name]) for name in ("words", "removed")}
    later = msgpack.unpackb(intended) if intended else None
    for one in (record, later):
        if one is not None:
            _check(one)
    if carrier not in CARRIERS or not isinstance(path, bytes) or not path.startswith(b"/"):
        raise ValueError
    content = None if scheme is None or not isinstance(identity, bytes) else (scheme, identity)
    return Entry(row, file, path, carrier, record, later, content)


def _check(record: Message) -> None:
    """Raises ValueError, KeyError or TypeError for what no record is."""
    texts = [record["mark"], record["root"], record["model"]]
    for name in ("words", "removed"):
        if not isinstance(record[name], list):
            raise ValueError
        texts += record[name]
    if not all(isinstance(text, str) for text in texts) or not isinstance(record["written"], int):
        raise ValueError
    if not isinstance(record["digest"], bytes):
        raise ValueError
    if not isinstance(record["original"], bytes | None):
        raise ValueError
