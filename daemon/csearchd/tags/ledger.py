"""The ledger, a table of the library: what csearch wrote for which file, or was about to write.

A damaged row becomes an entry that is marked as damaged; others are not affected.
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
_LISTS = ("words", "removed", "given")  # as JSON
_TEXTS = ("mark", "root", *_LISTS, "model")
_NAMES = (*_TEXTS, "written", "digest", "original")
_COLUMNS = ", ".join(_NAMES)
_PARAMETERS = 500  # in one SQL statement

Message = dict[str, Any]  # of a Record (csearchd.tags.record)


class Entry(NamedTuple):
    """A row: the record of what is written, and of what a tagger is about to write, as messages.

    `file` is None if the library doesn't know the file any more. `content` is the scheme and
    identity of the picture that was tagged. A `damaged` entry has neither record.
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
        """The marks of the writes that may be in the file."""
        return [one["mark"] for one in (self.record, self.intended) if one and one["mark"]]


class Outcome(NamedTuple):
    """The result of one work item. `reason`: why the file was skipped."""

    file: int | None
    path: bytes
    carrier: str
    row: int | None
    record: Message | None
    reason: str | None
    visit: tuple[str, int | None, str] | None  # mode, content, edition: done, until these change
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
    """Entries of files that the library doesn't know any more; they may still exist."""
    with library.read() as database:
        return list(_entries(database, "file IS NULL", ()))


def all_files(library: Library) -> list[int]:
    """The files that have entries, and files with the same picture, which may have their tags."""
    with library.read() as database:
        rows = database.execute(
            "SELECT file FROM tag_ledger WHERE file IS NOT NULL UNION "
            "SELECT copy.id FROM tag_ledger JOIN files ON files.id = tag_ledger.file "
            "JOIN files AS copy ON copy.content = files.content"
        )
        return [row[0] for row in rows]


def by_mark(library: Library, mark: str) -> Entry | None:
    """The entry of a write. One without a file comes first, since its file may have been moved."""
    with library.read() as database:
        found = _entries(database, "mark = ? ORDER BY file IS NOT NULL LIMIT 1", (mark,))
        return next(found, None)


def detach(library: Library, rows: Iterable[int]) -> None:
    """Separates entries from their files; from now on only their paths count."""
    with library.write() as database:
        database.executemany(
            "UPDATE tag_ledger SET file = NULL WHERE id = ?", [(row,) for row in rows]
        )


def unfinished(library: Library) -> list[Entry]:
    """The entries for which a killed tagger was about to write."""
    with library.read() as database:
        return list(_entries(database, "intended IS NOT NULL", ()))


def unsettled(library: Library, rows: Iterable[int]) -> list[Entry]:
    """Those of some rows whose tags may still be in a file."""
    found = _entries_with(library, "id", list(rows))
    return [
        entry
        for entry in found
        if entry.intended or entry.damaged or (entry.record and entry.record["words"])
    ]


def intend(library: Library, outcomes: Iterable[Outcome]) -> list[int]:
    """Notes the records that are about to be written. Returns their rows. Raises LibraryError."""
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
    """Notes the records that are true now; a record of None keeps the entry's. Raises LibraryError.

    Nothing is intended for these entries any more.
    """
    with library.write() as database:
        for one in outcomes:
            record = one.record
            if record is not None:
                row = one.row or _row(database, one)
                lists = {name: json.dumps(record[name], ensure_ascii=False) for name in _LISTS}
                values = {**record, **lists}
                marks = ", ".join("?" * len(_NAMES))
                database.execute(
                    f"UPDATE tag_ledger SET ({_COLUMNS}) = ({marks}) WHERE id = ?",
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
    """Makes files due to be tagged again, where their folders are kept tagged."""
    with library.write() as database:
        database.executemany("DELETE FROM tag_visits WHERE file = ?", [(file,) for file in files])


def _note_location(database: sqlite3.Connection, row: int, one: Outcome) -> None:
    """Notes the path and the content of a tagged file.

    Its row may have gone meanwhile, and its id may be another file's now.
    """
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
    """The row of a file and carrier, which is added if there is none."""
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
    # As BLOBs: text that isn't valid UTF-8 would make the whole query fail.
    texts = (f"CAST({name} AS BLOB)" for name in ("carrier", *_TEXTS))
    rows = database.execute(
        f"SELECT id, file, path, intended, written, digest, original, scheme, identity, "
        f"{', '.join(texts)} FROM tag_ledger WHERE {where}",
        parameters,
    )
    for row in rows:
        try:
            yield _entry(*row)
        except Exception:  # damaged bytes make json, msgpack and the checks raise anything
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
    """An entry from a row's columns. Raises ValueError or another exception if it is damaged."""
    carrier, *decoded = (None if text is None else text.decode() for text in texts)
    record: Message | None = dict(zip(_TEXTS, decoded, strict=True))
    if record and record["words"] is None:
        record = None
    elif record:
        record |= {"written": written, "digest": digest, "original": original}
        record |= {name: json.loads(record[name]) for name in _LISTS}
    later = msgpack.unpackb(intended) if intended else None
    if later is not None:
        later.setdefault("given", [])  # an older version may have intended it
    for one in (record, later):
        if one is not None:
            _check(one)
    if carrier not in CARRIERS or not isinstance(path, bytes) or not path.startswith(b"/"):
        raise ValueError
    content = None if scheme is None or not isinstance(identity, bytes) else (scheme, identity)
    return Entry(row, file, path, carrier, record, later, content)


def _check(record: Message) -> None:
    """Raises ValueError, KeyError or TypeError unless this is a record's message."""
    texts = [record["mark"], record["root"], record["model"]]
    for name in _LISTS:
        if not isinstance(record[name], list):
            raise ValueError
        texts += record[name]
    if not all(isinstance(text, str) for text in texts) or not isinstance(record["written"], int):
        raise ValueError
    if not isinstance(record["digest"], bytes):
        raise ValueError
    if not isinstance(record["original"], bytes | None):
        raise ValueError
