"""Finds rows that a flipped bit or another program has damaged, and deletes them.

SQLite checks neither a row's values nor, between two runs, that what it refers to exists. What is
known of pictures is read from them again; what the user entered is lost. Remarks name both.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from csearchd.library.integrity import directories
from csearchd.library.integrity.remarks import shown
from csearchd.library.metadata.labels import KEYWORDS, PEOPLE
from csearchd.library.metadata.times import IS_DATE
from csearchd.reasons import Reason, Template
from csearchd.reasons import library as reasons

_MAX_CHECKED = 50_000  # files whose rows are all checked whenever the library is opened
_MAX_ID = (1 << 31) - 1  # ids are 32-bit numbers in memory
_SHOWN = 5  # names in a remark


class _Check(NamedTuple):
    """How damaged rows of a table are found and named in a remark."""

    table: str
    damaged: str  # SQL condition
    name: str  # SQL expression: what identifies the row for the user
    remark: Template  # says which rows are damaged


def _types(**columns: str) -> str:
    """An SQL condition: whether a column's value has none of the types that are given for it."""
    return " OR ".join(
        f"typeof({column}) NOT IN ({','.join(repr(kind) for kind in kinds.split())})"
        for column, kinds in columns.items()
    )


_KNOWN_DIRECTORY = "directory IN (SELECT id FROM directories)"
_KNOWN_FILE = "file IN (SELECT id FROM files)"
_UNKNOWN_SEARCH = "search NOT IN (SELECT id FROM saved_searches)"

_SMALL = (
    _Check("settings", _types(name="text", value="text"), "name", reasons.SETTING_ROWS),
    _Check(
        "disks",
        f"{_types(volume='text null', inside='blob', path='blob')} OR NOT {_KNOWN_DIRECTORY}",
        "path",
        reasons.DISK_ROWS,
    ),
    _Check("roots", f"NOT {_KNOWN_DIRECTORY}", "directory", reasons.ROOT_ROWS),
    _Check(
        "concepts",
        f"{_types(name='text')} OR trim(name, ' \t\n') = ''",
        "name",
        reasons.CONCEPT_ROWS,
    ),
    _Check(
        "concept_examples",
        "counter NOT IN (0, 1) OR concept NOT IN (SELECT id FROM concepts) "
        "OR content NOT IN (SELECT id FROM contents)",
        "coalesce((SELECT name FROM concepts WHERE id = concept), concept)",
        reasons.EXAMPLE_ROWS,
    ),
    _Check(
        "tag_folders",
        f"{_types(path='blob', mode='text')} OR mode NOT IN ('xattr', 'sidecar', 'embedded') OR "
        "substr(path, 1, 1) <> x'2f' OR instr(path, x'00')",
        "path",
        reasons.TAGGED_ROWS,
    ),
    _Check(
        "saved_searches",
        _types(
            name="blob",
            query="text",
            top="integer null",
            sort="text null",
            reverse="integer",
            min_confidence="text null",
        )
        + " OR name IN (x'', x'2e', x'2e2e') OR instr(name, x'2f') OR instr(name, x'00')",
        "name",
        reasons.SAVED_ROWS,
    ),
    _Check(
        "saved_scopes",
        f"{_types(path='blob')} OR {_UNKNOWN_SEARCH}",
        "path",
        reasons.SAVED_PATH_ROWS,
    ),
    _Check(
        "saved_pictures",
        f"{_types(start='integer', stop='integer', path='blob')} OR {_UNKNOWN_SEARCH}",
        "path",
        reasons.SAVED_PATH_ROWS,
    ),
    _Check("derived", _types(name="text", token="text"), "name", reasons.MARK_ROWS),
    _Check(
        "changed_vectors", _types(model="integer", content="integer"), "content", reasons.NOTE_ROWS
    ),
)

# What is read from pictures again. A damaged file's row is deleted, and the scan finds the file.
_FILES = _Check(
    "files",
    _types(
        directory="integer", name="blob", size="integer", mtime_ns="integer", ctime_ns="integer",
        inode="integer", due="integer", failure="text null", sidecars="integer", paired="integer",
    )
    + f" OR NOT {_KNOWN_DIRECTORY} OR name IN (x'', x'2e', x'2e2e') OR instr(name, x'2f') OR "
    f"instr(name, x'00') OR id NOT BETWEEN 1 AND {_MAX_ID}",
    "name",
    reasons.PICTURE_ROWS,
)  # fmt: skip
_CONTENTS = _Check(
    "contents",
    _types(
        scheme="integer", identity="blob text", format="text null", width="integer null",
        height="integer null", failure="text null", orphaned="integer null", incomplete="integer",
        signed="integer",
    )
    + f" OR id NOT BETWEEN 1 AND {_MAX_ID}",
    "(SELECT name FROM files WHERE content = contents.id)",
    reasons.CONTENT_ROWS,
)  # fmt: skip
_LINKS = _Check(
    "files",
    "content IS NOT NULL AND content NOT IN (SELECT id FROM contents)",
    "name",
    reasons.CONTENT_ROWS,
)
_METADATA = _Check(
    "metadata",
    _types(
        taken="text null", taken_ms="integer null", utc_offset="integer null",
        date_source="text null", date_doubtful="integer null", make="text null", model="text null",
        lens="text null", iso="integer real null", exposure="real null", aperture="real null",
        focal_length="real null", latitude="integer real null", longitude="integer real null",
        altitude="integer real null", orientation="integer null",
        title="text null", description="text null", rating="integer real null",
        favourite="integer null", outdated="integer",
    )
    + f" OR (taken IS NOT NULL AND NOT ({IS_DATE}))",
    "(SELECT name FROM files WHERE id = file)",
    reasons.METADATA_ROWS,
)  # fmt: skip
_KEYWORDS = _Check("keywords", _types(text="text"), "text", reasons.KEYWORD_ROWS)
_PEOPLE = _Check("people", _types(text="text"), "text", reasons.PERSON_ROWS)
_DEPENDENT = (
    _Check("metadata", f"NOT {_KNOWN_FILE}", "file", reasons.LOOSE_METADATA_ROWS),
    _Check(
        "file_keywords",
        f"NOT {_KNOWN_FILE} OR keyword NOT IN (SELECT id FROM keywords)",
        "file",
        reasons.LOOSE_KEYWORD_ROWS,
    ),
    _Check(
        "file_people",
        f"NOT {_KNOWN_FILE} OR person NOT IN (SELECT id FROM people) OR "
        + _types(**dict.fromkeys(("x", "y", "width", "height"), "integer real null")),
        "file",
        reasons.LOOSE_PERSON_ROWS,
    ),
    _Check(
        "tag_visits",
        f"NOT {_KNOWN_FILE} OR "
        + _types(mode="text", content="integer null", edition="text", failure="text null"),
        "file",
        reasons.TAGGING_ROWS,
    ),
)


def is_large(database: sqlite3.Connection) -> bool:
    """Whether checking all rows of pictures would delay the start too much. Raises
    sqlite3.Error."""
    (files,) = database.execute("SELECT count(*) FROM files").fetchone()
    return bool(files > _MAX_CHECKED)


def has_damage(database: sqlite3.Connection) -> bool:
    """Whether `repair` would delete rows of pictures. It reads all of them, which takes seconds for
    a million. Raises sqlite3.Error."""
    checks = (_FILES, _CONTENTS, _LINKS, _METADATA, _KEYWORDS, _PEOPLE, *_DEPENDENT)
    return any(_exists(database, check.table, check.damaged) for check in checks)


def repair(database: sqlite3.Connection, path: str, thorough: bool) -> list[Reason]:
    """Deletes damaged rows of the database at `path`, which nothing else uses yet.

    The rows of pictures are checked if `thorough`, or if ids are such that the arrays in memory
    can't be built. Returns remarks for the user. Raises sqlite3.Error.
    """
    database.execute("PRAGMA foreign_keys = OFF")  # damaged rows refer to nothing
    database.execute("BEGIN IMMEDIATE")
    try:
        found = _repair_clock(database) + _repair_counters(database)
        renumbered = directories.renumber(database)
        lost = directories.repair(database)
        found += _remark(reasons.DIRECTORY_ROWS, lost)
        if (lost or renumbered) and _exists(database, "files", f"NOT {_KNOWN_DIRECTORY}"):
            delete_files(database, f"NOT {_KNOWN_DIRECTORY}")
        for check in _SMALL:
            found += _delete(database, check)
        if thorough or lost or _out_of_range(database):
            found += _repair_pictures(database)
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise
    finally:
        database.execute("PRAGMA foreign_keys = ON")
    return [reasons.ROWS_DAMAGED(path=path, rows=one) for one in found]


def damaged_vectors(database: sqlite3.Connection, contents: list[int]) -> list[Reason]:
    """Remarks on damaged vectors of some contents. Raises sqlite3.Error."""
    if not contents:
        return []
    names = [
        name
        for content in contents[:_SHOWN]
        for (name,) in database.execute("SELECT name FROM files WHERE content = ?", (content,))
    ]
    return [reasons.VECTORS_DAMAGED(count=len(contents), names=_listed(names))]


def _repair_clock(database: sqlite3.Connection) -> list[Reason]:
    row = database.execute("SELECT value FROM settings WHERE name = 'clock'").fetchone()
    parts = str(row[0]).split() if row else ["0", "0"]
    if len(parts) == 2 and all(p.isascii() and p.isdigit() and len(p) < 12 for p in parts):
        return []
    database.execute("DELETE FROM settings WHERE name = 'clock'")
    return _remark(reasons.SETTING_ROWS, ["clock"])


def _repair_counters(database: sqlite3.Connection) -> list[Reason]:
    check = _Check("counters", _types(name="text", value="integer"), "name", reasons.COUNTER_ROWS)
    found = _delete(database, check)
    for name in ("encoded", "reused"):
        database.execute("INSERT OR IGNORE INTO counters VALUES (?, 0)", (name,))
    return found


def _out_of_range(database: sqlite3.Connection) -> bool:
    """Whether some ids don't fit the arrays in memory; reads indexes only."""
    for table, column in (
        ("files", "id"), ("files", "directory"), ("files", "content"), ("contents", "id"),
        ("file_keywords", "file"), ("file_people", "file"), ("metadata", "file"),
    ):  # fmt: skip
        for end in ("min", "max"):
            (value,) = database.execute(f"SELECT {end}({column}) FROM {table}").fetchone()
            if value is not None and not (isinstance(value, int) and 1 <= value <= _MAX_ID):
                return True
    return False


def _repair_pictures(database: sqlite3.Connection) -> list[Reason]:
    """Deletes damaged rows of pictures, which are then read again. Returns remarks."""
    found = _find(database, _FILES)
    if found:
        delete_files(database, _FILES.damaged)
    if contents := _find(database, _CONTENTS):
        found += contents
        chosen = f"SELECT id FROM contents WHERE {_CONTENTS.damaged}"
        for table in ("vectors", "signatures", "texts", "concept_examples"):
            database.execute(f"DELETE FROM {table} WHERE content IN ({chosen})")
        database.execute(f"DELETE FROM contents WHERE {_CONTENTS.damaged}")
    else:
        found += _find(database, _LINKS)
    database.execute(
        f"UPDATE files SET content = NULL, failure = NULL, due = 1 WHERE {_LINKS.damaged}"
    )
    if metadata := _find(database, _METADATA):
        found += metadata
        _read_again(database, f"SELECT file FROM metadata WHERE {_METADATA.damaged}")
        database.execute(f"DELETE FROM metadata WHERE {_METADATA.damaged}")
    for kind, check in ((KEYWORDS, _KEYWORDS), (PEOPLE, _PEOPLE)):
        if labels := _find(database, check):
            found += labels
            chosen = f"SELECT id FROM {kind.table} WHERE {check.damaged}"
            having = f"{kind.pairs} WHERE {kind.column} IN ({chosen})"
            _read_again(database, f"SELECT file FROM {having}")
            database.execute(f"DELETE FROM {having}")
            database.execute(f"DELETE FROM {kind.table} WHERE {check.damaged}")
    for check in _DEPENDENT:
        found += _delete(database, check)
    return found


def delete_files(database: sqlite3.Connection, condition: str) -> None:
    """Deletes the files that fulfil `condition` (SQL), and lets scans compare all directories."""
    chosen = f"(SELECT id FROM files WHERE {condition})"
    for table in ("metadata", "file_keywords", "file_people", "tag_visits"):
        database.execute(f"DELETE FROM {table} WHERE file IN {chosen}")
    database.execute(f"UPDATE tag_ledger SET file = NULL WHERE file IN {chosen}")
    database.execute(f"DELETE FROM files WHERE {condition}")
    database.execute(
        "UPDATE contents SET orphaned = ? WHERE orphaned IS NULL AND id NOT IN "
        "(SELECT content FROM files WHERE content IS NOT NULL)",
        (int(time.time()),),
    )
    database.execute("UPDATE directories SET listing = x'' WHERE listing IS NOT NULL")


def _read_again(database: sqlite3.Connection, files: str) -> None:
    """Makes the files that `files` (SQL) selects due."""
    database.execute(f"UPDATE files SET due = 1, failure = NULL WHERE id IN ({files})")


def _delete(database: sqlite3.Connection, check: _Check) -> list[Reason]:
    """Deletes damaged rows. Returns remarks."""
    found = _find(database, check)
    if found:
        database.execute(f"DELETE FROM {check.table} WHERE {check.damaged}")
    return found


def _exists(database: sqlite3.Connection, table: str, condition: str) -> bool:
    row = database.execute(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1").fetchone()
    return row is not None


def _find(database: sqlite3.Connection, check: _Check) -> list[Reason]:
    """Finds damaged rows. Returns remarks."""
    rows = database.execute(
        f"SELECT {check.name} FROM {check.table} WHERE {check.damaged}"
    ).fetchall()
    return _remark(check.remark, [row[0] for row in rows])


def _remark(template: Template, names: Sequence[Any]) -> list[Reason]:
    return [template(names=_listed(names))] if names else []


def _listed(names: Sequence[Any]) -> Reason | str:
    """The first names, and how many more there are."""
    listed = ", ".join(map(shown, names[:_SHOWN]))
    more = len(names) - _SHOWN
    return reasons.AND_MORE(names=listed, count=more) if more > 0 else listed
