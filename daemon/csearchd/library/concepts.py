"""Concepts that the user has taught: names with example and counterexample contents."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import NamedTuple

from csearchd.library.library import Library
from csearchd.spelling import composed, folded


class Concept(NamedTuple):
    """A concept; `examples` and `counters` (counterexamples) are ids of contents."""

    name: str
    examples: frozenset[int]
    counters: frozenset[int]


def read(library: Library) -> list[Concept]:
    """All concepts, sorted by name. Raises LibraryError."""
    with library.read() as database:
        rows = database.execute(
            "SELECT c.name, e.content, e.counter FROM concepts c "
            "LEFT JOIN concept_examples e ON e.concept = c.id ORDER BY c.name"
        ).fetchall()
    contents: dict[str, tuple[set[int], set[int]]] = {}
    for name, content, counter in rows:
        held = contents.setdefault(name, (set(), set()))
        if content is not None:
            held[counter].add(content)
    return [
        Concept(name, frozenset(examples), frozenset(counters))
        for name, (examples, counters) in contents.items()
    ]


def add(
    library: Library, name: str, examples: Collection[int], counters: Collection[int]
) -> Concept:
    """Adds examples to the concept `name`, which is created if it is new, and returns it. A content
    that it has already changes its kind. Raises LibraryError."""
    with library.write() as database:
        name = _known(database, name) or composed(name)
        database.execute("INSERT INTO concepts (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
        row, name = database.execute(
            "SELECT id, name FROM concepts WHERE name = ?", (name,)
        ).fetchone()
        for counter, contents in enumerate((examples, counters)):
            database.executemany(
                "INSERT OR REPLACE INTO concept_examples VALUES (?, ?, ?)",
                [(row, content, counter) for content in contents],
            )
        return next(concept for concept in read(library) if concept.name == name)


def rename(library: Library, name: str, new: str) -> bool:
    """Renames a concept. Returns whether it existed. Raises LibraryError, or KeyError if another
    concept is called `new`."""
    with library.write() as database:
        known, other = _known(database, name), _known(database, new)
        if other is not None and other != known:
            raise KeyError(new)
        changed = database.execute(
            "UPDATE concepts SET name = ? WHERE name = ?", (composed(new), known)
        )
        return changed.rowcount > 0


def remove(library: Library, name: str) -> bool:
    """Deletes a concept. Returns whether it existed. Raises LibraryError."""
    with library.write() as database:
        known = _known(database, name)
        return database.execute("DELETE FROM concepts WHERE name = ?", (known,)).rowcount > 0


def _known(database: sqlite3.Connection, name: str) -> str | None:
    """How the concept is written that is called `name`, in whatever letters; None if there is
    none."""
    names = (row[0] for row in database.execute("SELECT name FROM concepts"))
    return next((known for known in names if folded(known) == folded(name)), None)
