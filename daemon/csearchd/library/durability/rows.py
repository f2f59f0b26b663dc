"""Rows that a flipped bit or another program has damaged: each costs itself, and is named.

SQLite checks neither a row's values nor, between two runs, what it refers to. What can be read from
the disk again is dropped and read again; what the user made is lost, and said to be.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any, NamedTuple

from csearchd.library.durability import directories, shown
from csearchd.reasons import Reason, Template
from csearchd.reasons import library as reasons

_MOST_CHECKED = 50_000  # files, of which all can be looked at whenever the library is opened
_MOST_ID = (1 << 31) - 1  # what columns in memory hold
_SHOWN = 5  # names in a remark


class _Check(NamedTuple):
    table: str
    bad: str  # SQL: the row can't be used
    name: str  # SQL: what it is called
    what: Template  # says which of them are damaged


def _types(**columns: str) -> str:
    """SQL: whether some columns have values of other types than these."""
    return " OR ".join(
        f"typeof({column}) NOT IN ({','.join(repr(kind) for kind in kinds.split())})"
        for column, kinds in columns.items()
    )


_KNOWN_DIRECTORY = "directory IN (SELECT id FROM directories)"
_KNOWN_FILE = "file IN (SELECT id FROM files)"

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
    _Check("derived", _types(name="text", token="text"), "name", reasons.MARK_ROWS),
    _Check(
        "changed_vectors", _types(model="integer", content="integer"), "content", reasons.NOTE_ROWS
    ),
)

# What is read from pictures again. `bad` of files drops a row; the scan finds the file again.
_FILES = _Check(
    "files",
    _types(
        directory="integer", name="blob", size="integer", mtime_ns="integer", ctime_ns="integer",
        inode="integer", due="integer", failure="text null", sidecars="integer",
    )
    + f" OR NOT {_KNOWN_DIRECTORY} OR name IN (x'', x'2e', x'2e2e') OR instr(name, x'2f') OR "
    f"instr(name, x'00') OR id NOT BETWEEN 1 AND {_MOST_ID}",
    "name",
    reasons.PICTURE_ROWS,
)  # fmt: skip
_CONTENTS = _Check(
    "contents",
    _types(
        scheme="integer", identity="blob text", format="text null", width="integer null",
        height="integer null", failure="text null", orphaned="integer null",
    )
    + f" OR id NOT BETWEEN 1 AND {_MOST_ID}",
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
        taken="text null", utc_offset="integer null", make="text null", model="text null",
        lens="text null", iso="integer real null", latitude="integer real null",
        longitude="integer real null", altitude="integer real null", orientation="integer null",
        title="text null", description="text null", rating="integer real null",
        outdated="integer",
    )
    + " OR (taken IS NOT NULL AND strftime('%s', taken) IS NULL)",
    "(SELECT name FROM files WHERE id = file)",
    reasons.METADATA_ROWS,
)  # fmt: skip
_KEYWORDS = _Check("keywords", _types(text="text"), "text", reasons.KEYWORD_ROWS)
_DEPENDENT = (
    _Check("metadata", f"NOT {_KNOWN_FILE}", "file", reasons.LOOSE_METADATA_ROWS),
    _Check(
        "file_keywords",
        f"NOT {_KNOWN_FILE} OR keyword NOT IN (SELECT id FROM keywords)",
        "file",
        reasons.LOOSE_KEYWORD_ROWS,
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
    """Whether looking at all rows of pictures takes too long for a start. Raises sqlite3.Error."""
    (files,) = database.execute("SELECT count(*) FROM files").fetchone()
    return bool(files > _MOST_CHECKED)


def has_damage(database: sqlite3.Connection) -> bool:
    """Whether `mend` would take out something that is known of pictures; reads all of that, which
    takes seconds where there are a million. Raises sqlite3.Error."""
    checks = (_FILES, _CONTENTS, _LINKS, _METADATA, _KEYWORDS, *_DEPENDENT)
    return any(
        database.execute(f"SELECT 1 FROM {check.table} WHERE {check.bad} LIMIT 1").fetchone()
        for check in checks
    )


def mend(database: sqlite3.Connection, path: str, thorough: bool) -> list[Reason]:
    """Takes damaged rows out of the database at `path`, which nothing else uses yet: of what is
    known of pictures, unless `thorough`, only where what is in memory couldn't be made.

    Returns what was found, for the user. Raises sqlite3.Error.
    """
    database.execute("PRAGMA foreign_keys = OFF")  # damaged rows refer to nothing
    database.execute("BEGIN IMMEDIATE")
    try:
        found = _clock(database) + _counters(database)
        lost = directories.mend(database)
        if lost:
            found += _said(reasons.DIRECTORY_ROWS, lost)
            drop_files(database, f"NOT {_KNOWN_DIRECTORY}")
        for check in _SMALL:
            found += _delete(database, check)
        if thorough or lost or _out_of_range(database):
            found += _mend_pictures(database)
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise
    finally:
        database.execute("PRAGMA foreign_keys = ON")
    return [reasons.ROWS_DAMAGED(path=path, rows=one) for one in found]


def damaged_vectors(database: sqlite3.Connection, contents: list[int]) -> list[Reason]:
    """What to say of vectors that were damaged, by their contents."""
    if not contents:
        return []
    names = [
        name
        for content in contents[:_SHOWN]
        for (name,) in database.execute("SELECT name FROM files WHERE content = ?", (content,))
    ]
    return [reasons.VECTORS_DAMAGED(count=len(contents), names=_listed(names))]


def _clock(database: sqlite3.Connection) -> list[Reason]:
    row = database.execute("SELECT value FROM settings WHERE name = 'clock'").fetchone()
    parts = str(row[0]).split() if row else ["0", "0"]
    if len(parts) == 2 and all(p.isascii() and p.isdigit() and len(p) < 12 for p in parts):
        return []
    database.execute("DELETE FROM settings WHERE name = 'clock'")
    return _said(reasons.SETTING_ROWS, ["clock"])


def _counters(database: sqlite3.Connection) -> list[Reason]:
    bad = _Check("counters", _types(name="text", value="integer"), "name", reasons.COUNTER_ROWS)
    found = _delete(database, bad)
    for name in ("encoded", "reused"):
        database.execute("INSERT OR IGNORE INTO counters VALUES (?, 0)", (name,))
    return found


def _out_of_range(database: sqlite3.Connection) -> bool:
    """Whether ids are such that columns in memory can't be made; asks the indexes alone."""
    for table, column in (
        ("files", "id"), ("files", "directory"), ("files", "content"), ("contents", "id"),
        ("file_keywords", "file"), ("metadata", "file"),
    ):  # fmt: skip
        for end in ("min", "max"):
            (value,) = database.execute(f"SELECT {end}({column}) FROM {table}").fetchone()
            if value is not None and not (isinstance(value, int) and 1 <= value <= _MOST_ID):
                return True
    return False


def _mend_pictures(database: sqlite3.Connection) -> list[Reason]:
    """What is known of pictures: what is damaged is dropped, and the pictures are read again."""
    found = _named(database, _FILES)
    if found:
        drop_files(database, _FILES.bad)
    if bad := _named(database, _CONTENTS):
        found += bad
        chosen = f"SELECT id FROM contents WHERE {_CONTENTS.bad}"
        for table in ("vectors", "concept_examples"):
            database.execute(f"DELETE FROM {table} WHERE content IN ({chosen})")
        database.execute(f"DELETE FROM contents WHERE {_CONTENTS.bad}")
    found += _named(database, _LINKS) if not bad else []
    database.execute(f"UPDATE files SET content = NULL, failure = NULL, due = 1 WHERE {_LINKS.bad}")
    if bad := _named(database, _METADATA):
        found += bad
        _read_again(database, f"SELECT file FROM metadata WHERE {_METADATA.bad}")
        database.execute(f"DELETE FROM metadata WHERE {_METADATA.bad}")
    if bad := _named(database, _KEYWORDS):
        found += bad
        chosen = f"SELECT id FROM keywords WHERE {_KEYWORDS.bad}"
        _read_again(database, f"SELECT file FROM file_keywords WHERE keyword IN ({chosen})")
        database.execute(f"DELETE FROM file_keywords WHERE keyword IN ({chosen})")
        database.execute(f"DELETE FROM keywords WHERE {_KEYWORDS.bad}")
    for check in _DEPENDENT:
        found += _delete(database, check)
    return found


def drop_files(database: sqlite3.Connection, bad: str) -> None:
    """Drops the files of which `bad` (SQL) is true, and lets scans look into all directories."""
    chosen = f"(SELECT id FROM files WHERE {bad})"
    for table in ("metadata", "file_keywords", "tag_visits"):
        database.execute(f"DELETE FROM {table} WHERE file IN {chosen}")
    database.execute(f"UPDATE tag_ledger SET file = NULL WHERE file IN {chosen}")
    database.execute(f"DELETE FROM files WHERE {bad}")
    database.execute(
        "UPDATE contents SET orphaned = ? WHERE orphaned IS NULL AND id NOT IN "
        "(SELECT content FROM files WHERE content IS NOT NULL)",
        (int(time.time()),),
    )
    database.execute("UPDATE directories SET listing = x'' WHERE listing IS NOT NULL")


def _read_again(database: sqlite3.Connection, files: str) -> None:
    database.execute(f"UPDATE files SET due = 1, failure = NULL WHERE id IN ({files})")


def _delete(database: sqlite3.Connection, check: _Check) -> list[Reason]:
    found = _named(database, check)
    if found:
        database.execute(f"DELETE FROM {check.table} WHERE {check.bad}")
    return found


def _named(database: sqlite3.Connection, check: _Check) -> list[Reason]:
    rows = database.execute(f"SELECT {check.name} FROM {check.table} WHERE {check.bad}").fetchall()
    return _said(check.what, [row[0] for row in rows])


def _said(what: Template, names: list[Any]) -> list[Reason]:
    return [what(names=_listed(names))] if names else []


def _listed(names: list[Any]) -> Reason | str:
    listed = ", ".join(map(shown, names[:_SHOWN]))
    more = len(names) - _SHOWN
    return reasons.AND_MORE(names=listed, count=more) if more > 0 else listed
