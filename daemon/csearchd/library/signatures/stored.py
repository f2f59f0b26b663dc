"""Signatures in the database, and which are still to be made."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from csearchd.library.contents import Job, job_of
from csearchd.library.signatures.form import Signatures, is_sound, unpacked

_PARAMETERS = 500  # of a statement


def wanting(reader: sqlite3.Connection, after: int, limit: int) -> list[tuple[int, Job]]:
    """Up to `limit` files whose contents, by ascending id from `after` on, have no signature yet;
    each with its content."""
    rows = reader.execute(
        "SELECT f.id, f.directory, f.name, f.size, f.mtime_ns, f.ctime_ns, f.inode, f.sidecars, "
        f"c.id FROM {_WANTING} AND c.id > ? ORDER BY c.id LIMIT ?",
        (after, limit),
    )
    return [(row[8], job_of(row)) for row in rows]


def count_wanting(reader: sqlite3.Connection) -> int:
    """The number of files on mounted disks whose contents have no signature yet."""
    (count,) = reader.execute(f"SELECT count(*) FROM {_WANTING}").fetchone()
    return int(count)


def files_wanting(reader: sqlite3.Connection) -> list[int]:
    """The files on mounted disks whose contents have no signature yet, by their ids."""
    return [row[0] for row in reader.execute(f"SELECT f.id FROM {_WANTING}")]


_WANTING = (
    "contents c JOIN files f ON f.content = c.id JOIN directories d ON d.id = f.directory "
    "WHERE NOT c.signed AND c.failure IS NULL AND d.absent IS NULL AND NOT f.due "
    "AND f.failure IS NULL"
)


def is_wanted(reader: sqlite3.Connection, scheme: int, identity: bytes) -> bool:
    """Whether a content that can be decoded has no signature yet."""
    row = reader.execute(
        "SELECT 1 FROM contents WHERE scheme = ? AND identity = ? AND NOT signed "
        "AND failure IS NULL",
        (scheme, identity),
    ).fetchone()
    return row is not None


def of(reader: sqlite3.Connection, contents: Sequence[int]) -> tuple[list[int], Signatures]:
    """The signatures of those of `contents` that have one, and which these are."""
    found: list[int] = []
    stored: list[bytes] = []
    for start in range(0, len(contents), _PARAMETERS):
        part = contents[start : start + _PARAMETERS]
        marks = ",".join("?" * len(part))
        rows = reader.execute(
            f"SELECT content, pixels FROM signatures WHERE content IN ({marks})", part
        )
        for content, pixels in rows:
            if is_sound(pixels):
                found.append(content)
                stored.append(pixels)
    return found, unpacked(stored)
