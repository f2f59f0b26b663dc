"""Notes which pictures have changed, so that not every saved search need be asked again.

Triggers of the writing connection alone call a function, which notes in memory what they tell. What
is rolled back may be noted, too. Vectors of another model than the active one change nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from csearchd.library.library import Library

_FILE, _CONTENT, _SEARCHES, _ALL = range(4)  # what is noted
_ANY = "NULL"  # model
_MAX_NOTES = 20_000  # beyond which everything counts as changed
_FUNCTION = "note_for_saved_searches"
# What a change of a table tells: the columns that count, and whose number the row has.
_TABLES = (
    ("files", "UPDATE OF directory, name, content, due, failure, paired", _FILE, "id"),
    ("metadata", "UPDATE", _FILE, "file"),
    ("file_keywords", "UPDATE", _FILE, "file"),
    ("file_people", "UPDATE", _FILE, "file"),
    ("contents", "UPDATE OF format, width, height, failure", _CONTENT, "id"),
    ("vectors", "UPDATE OF vector", _CONTENT, "content"),
    ("texts", "UPDATE", _CONTENT, "content"),
    ("concepts", "UPDATE", _ALL, "id"),
    ("concept_examples", "UPDATE", _ALL, "concept"),
    ("saved_searches", "UPDATE", _SEARCHES, "id"),
    ("saved_scopes", "UPDATE", _SEARCHES, "search"),
)
_TRIGGERS = (
    *(
        f"CREATE TEMP TRIGGER noted_{table}_{when.split()[0]} AFTER {when} ON main.{table} "
        f"BEGIN SELECT {_FUNCTION}({kind}, {row}.{column}, "
        f"{f'{row}.model' if table == 'vectors' else _ANY}); END"
        for table, update, kind, column in _TABLES
        for when, row in (("INSERT", "new"), (update, "new"), ("DELETE", "old"))
    ),
    # Directories come and go with their files.
    "CREATE TEMP TRIGGER noted_directories AFTER UPDATE OF parent, name, absent ON "
    f"main.directories BEGIN SELECT {_FUNCTION}({_ALL}, 0, {_ANY}); END",
)


class Changes(NamedTuple):
    """What has changed: files and contents by their ids, saved `searches`; or `everything` may
    have."""

    files: frozenset[int]
    contents: frozenset[int]
    searches: bool
    everything: bool


class ChangeNotes:
    """Any thread may use it."""

    def __init__(self, library: Library, active_model: Callable[[], int]) -> None:
        """`active_model`: the id of its row."""
        self._library = library
        self._active_model = active_model
        self._lock = threading.Lock()
        self.started = False
        # Of the transaction under way, and of those that were committed
        self._noted: set[tuple[int, int]] = set()
        self._committed: set[tuple[int, int]] = set()
        library.on_commit(self._commit)

    def start(self) -> None:
        """Begins to note changes, unless it has. Raises LibraryError."""
        if self.started:
            return
        with self._library.write() as database:
            database.create_function(_FUNCTION, 3, self._note)
            for trigger in _TRIGGERS:
                database.execute(trigger)
            self._note(_ALL, 0)
        self.started = True

    def take(self) -> Changes:
        """What has changed since the last call."""
        with self._lock:
            notes, self._committed = self._committed, set()
        of_kind = {kind: {number for k, number in notes if k == kind} for kind in (_FILE, _CONTENT)}
        everything = (_ALL, 0) in notes
        searches = everything or any(kind == _SEARCHES for kind, _ in notes)
        return Changes(
            frozenset(of_kind[_FILE]), frozenset(of_kind[_CONTENT]), searches, everything
        )

    def _note(self, kind: int, number: int, model: int | None = None) -> None:
        if model is not None and model != self._active_model():
            return
        if kind == _ALL or len(self._noted) > _MAX_NOTES:
            self._noted = {(_ALL, 0)}
        elif (_ALL, 0) not in self._noted:
            self._noted.add((kind, number))

    def _commit(self) -> None:
        with self._lock:
            self._committed |= self._noted
            if len(self._committed) > _MAX_NOTES:
                self._committed = {(_ALL, 0)}
        self._noted = set()
