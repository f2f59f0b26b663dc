"""Which row of the table `models` has a model's vectors."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence


def row_of(
    database: sqlite3.Connection, fingerprints: Sequence[str], name: str, dimensions: int
) -> int:
    """The id of the row of a model with these fingerprints, of which the first counts most;
    inserted if it is new.

    Models share a row if they have a fingerprint in common: that of the image tower, or that of
    both towers, which was the only one in older versions.
    """
    known = _fingerprints(database)
    rows = [row for one in fingerprints for row in known if one in known[row]]
    if not rows:
        added = database.execute(
            "INSERT INTO models (fingerprint, also, name, dimensions) VALUES (?, ?, ?, ?)",
            (fingerprints[0], " ".join(fingerprints[1:]), name, dimensions),
        )
        return int(added.lastrowid or 0)
    first, *others = known[rows[0]]
    others = sorted({*others, *fingerprints} - {first})
    database.execute(
        "UPDATE models SET name = ?, also = ? WHERE id = ?",
        (name, " ".join(others), rows[0]),
    )
    return int(rows[0])


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
