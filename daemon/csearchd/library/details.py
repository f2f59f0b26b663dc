"""All that is stored of files, for showing it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

_PARAMETERS = 500  # in one SQL statement


def details(database: sqlite3.Connection, files: Iterable[int]) -> dict[int, dict[str, Any]]:
    """All that is stored of some files, by their ids; what isn't known is left out.

    size (bytes), mtime_ns, format (Pillow's name, or RAW), width, height (pixels, as shown), what
    csearchd.encode.metadata lists, and keywords, a list in the order of the alphabet.
    """
    found: dict[int, dict[str, Any]] = {}
    chosen = list(files)
    for start in range(0, len(chosen), _PARAMETERS):
        part = chosen[start : start + _PARAMETERS]
        marks = ",".join("?" * len(part))
        cursor = database.execute(
            "SELECT f.id, f.size, f.mtime_ns, c.format, c.width, c.height, m.* FROM files f "
            "LEFT JOIN contents c ON c.id = f.content LEFT JOIN metadata m ON m.file = f.id "
            f"WHERE f.id IN ({marks})",
            part,
        )
        names = [column[0] for column in cursor.description]
        for row in cursor:
            known = zip(names[1:], row[1:], strict=True)
            found[row[0]] = {
                name: value
                for name, value in known
                if value is not None and name not in ("file", "outdated")
            }
        pairs = database.execute(
            "SELECT p.file, k.text FROM file_keywords p JOIN keywords k ON k.id = p.keyword "
            f"WHERE p.file IN ({marks}) ORDER BY k.text",
            part,
        )
        for file, text in pairs:
            found[file].setdefault("keywords", []).append(text)
    return found
