"""Files in the cache that repeat the database: whether they still do, after whatever happened.

A file and the database hold the same token, which is new whenever the notes of changes (the tables
`changed_vectors` and `changed_files`) are cleared. So a file with the database's token is right but
for what is noted, and any other one is of another library or state and is made anew.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Collection


def new_token() -> str:
    return secrets.token_hex(16)


def token(database: sqlite3.Connection, name: str) -> str | None:
    """The token of the file called `name`."""
    row = database.execute("SELECT token FROM derived WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def set_token(database: sqlite3.Connection, name: str, value: str) -> None:
    database.execute("INSERT OR REPLACE INTO derived VALUES (?, ?)", (name, value))


def keep_tokens(database: sqlite3.Connection, pattern: str, names: Collection[str]) -> None:
    """Drops the tokens of files whose names are like `pattern` (of SQL), but for `names`."""
    database.execute(
        f"DELETE FROM derived WHERE name LIKE ? AND name NOT IN ({','.join('?' * len(names))})",
        (pattern, *names),
    )


def boot_id() -> str:
    """This boot of the machine: within it, what was written to a file is there (random(4))."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def write_all(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    """pwrite(2), whole. Raises OSError."""
    data = memoryview(data)
    if not data.nbytes:
        return  # which can't be cast
    data = data.cast("B")
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
