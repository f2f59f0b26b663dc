"""Which row of the table `models` has a model's vectors."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence


def row_of(
    database: sqlite3.Connection,
    fingerprints: Sequence[str],
    name: str,
    dimensions: int,
    merge: bool = False,
) -> int:
    """The id of the row of a model with these fingerprints, of which the first counts most;
    inserted if it is new.

    Models share a row if they have a fingerprint in common: that of the image tower, or that of
    both towers, which was the only one in older versions. Of several rows that becomes the one
    with the most vectors; with `merge`, which needs that no row is in use, it gets the vectors of
    the others, which are deleted.
    """
    known = _fingerprints(database)
    rows = [row for one in fingerprints for row in known if one in known[row]]
    if not rows:
        added = database.execute(
            "INSERT INTO models (fingerprint, also, name, dimensions) VALUES (?, ?, ?, ?)",
            (fingerprints[0], " ".join(fingerprints[1:]), name, dimensions),
        )
        return int(added.lastrowid or 0)
    kept = _fullest(database, rows) if len(set(rows)) > 1 else rows[0]
    first, *others = known[kept]
    if merge:
        for row in set(rows) - {kept}:
            if _merge(database, row, kept):
                others += known[row]
    others = sorted({*others, *fingerprints} - {first})
    database.execute(
        "UPDATE models SET name = ?, also = ? WHERE id = ?",
        (name, " ".join(others), kept),
    )
    return kept


def _fullest(database: sqlite3.Connection, rows: Sequence[int]) -> int:
    """The row with the most vectors, the first of several."""
    # The + keeps SQLite to the index of contents: the table itself is a thousand times as large.
    query = "SELECT count(*) FROM vectors WHERE +model = ?"
    counts = {row: database.execute(query, (row,)).fetchone()[0] for row in rows}
    return max(counts, key=counts.__getitem__)


def _merge(database: sqlite3.Connection, row: int, kept: int) -> bool:
    """Moves the vectors of a row to another, where it has no others of the same contents, and
    deletes it. Returns False if they can't be compared."""
    query = "SELECT count(DISTINCT dimensions) FROM models WHERE id IN (?, ?)"
    if database.execute(query, (row, kept)).fetchone()[0] > 1:
        return False
    # An insertion is recorded for the codes in the cache, which a change of `model` is not.
    database.execute(
        "INSERT INTO vectors SELECT ?, content, vector, passes FROM vectors WHERE model = ? "
        "ON CONFLICT (model, content) DO UPDATE SET passes = passes + excluded.passes",
        (kept, row),
    )
    database.execute("DELETE FROM vectors WHERE model = ?", (row,))
    database.execute("DELETE FROM models WHERE id = ?", (row,))
    return True


def has_vectors(database: sqlite3.Connection, fingerprint: str) -> bool:
    """Whether there are vectors of the model with this fingerprint."""
    query = "SELECT 1 FROM vectors WHERE model = ? LIMIT 1"
    return any(
        database.execute(query, (row,)).fetchone()
        for row, names in _fingerprints(database).items()
        if fingerprint in names
    )


def _fingerprints(database: sqlite3.Connection) -> dict[int, list[str]]:
    """The fingerprints of each row, the first one first."""
    found = database.execute("SELECT id, fingerprint, also FROM models")
    return {row: [first, *also.split()] for row, first, also in found}
