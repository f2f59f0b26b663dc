"""Counts the steps of a database. They show whether work grows with the library even on a busy
machine, where a clock wouldn't."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


class Steps:
    """Instructions of SQLite's virtual machine."""

    count = 0

    def step(self) -> None:
        self.count += 1


@contextmanager
def counted(database: sqlite3.Connection) -> Iterator[Steps]:
    """Counts what `database` does in the block."""
    steps = Steps()
    database.set_progress_handler(steps.step, 1)
    try:
        yield steps
    finally:
        database.set_progress_handler(None, 1)
