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
    found = database.execute("SELECT id, fingerprint, also FROM models").fetchall()
    known = {row: {first, *also.split()} for row, first, also in found}
    rows = [row for one in fingerprints for row in known if one in known[row]]
    if not rows:
        added = database.execute(
            "INSERT INTO models (fingerprint, also, name, dimensions) VALUES (?, ?, ?, ?)",
            (fingerprints[0], " ".join(fingerprints[1:]), name, dimensions),
        )
        return int(added.lastrowid or 0)
    (first,) = (first for row, first, _ in found if row == rows[0])
    others = (known[rows[0]] | set(fingerprints)) - {first}
    database.execute(
        "UPDATE models SET name = ?, also = ? WHERE id = ?",
        (name, " ".join(sorted(others)), rows[0]),
    )
    return int(rows[0])
