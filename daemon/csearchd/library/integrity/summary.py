"""Keeps a summary of the library in a file beside it, and notices what the library has lost.

If the database's file was emptied, or its log damaged, SQLite silently opens an older or an empty
database. A remark names what the summary has and the library lacks, until the user adds something
again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import threading
from functools import reduce
from typing import Any

from csearchd.library import concepts
from csearchd.library.catalogue import DUE, FAILED, INDEXED
from csearchd.library.integrity.remarks import shown
from csearchd.library.library import Library
from csearchd.library.saved import store as saved
from csearchd.reasons import LIST, Reason
from csearchd.reasons import library as reasons

Items = dict[str, list[str]]  # by kind, sorted; paths are decoded by os.fsdecode

_NAME = "summary.json"
_SHOWN = 10
_KINDS = {
    "roots": reasons.LOST_ROOTS,
    "tagged": reasons.LOST_TAGGED,
    "concepts": reasons.LOST_CONCEPTS,
    "saved": reasons.LOST_SAVED,
}


class Summary:
    """The summary of an open library. Several threads may call `update`."""

    def __init__(self, library: Library) -> None:
        """Compares `library` with the summary of an earlier run. Raises LibraryError."""
        self._library = library
        self._updating = threading.Lock()
        self._path = os.path.join(os.path.dirname(library.path), _NAME)
        self._written = _read(self._path)
        self._initial = _items(library)
        self._lost = _missing(_joined(self._written), self._initial)
        held = int(self._written.get("pictures", 0))
        self._lost_pictures = 0 if self._pictures() else held

    def is_outdated(self) -> bool:
        """Whether the user has added or removed something since it was written. Raises
        LibraryError."""
        now = _items(self._library)
        return any(now[kind] != self._written.get(kind, []) for kind in _KINDS)

    def update(self) -> None:
        """Writes the summary if it has changed. Raises LibraryError or OSError.

        Call Library.checkpoint first, so that the summary never has more than the database's file.
        """
        with self._updating:
            self._update()

    def _update(self) -> None:
        now, pictures = _items(self._library), self._pictures()
        if _missing(now, self._initial):
            self._lost, self._lost_pictures = {}, 0
        if pictures:
            self._lost_pictures = 0
        summary = {**now, "pictures": pictures or self._lost_pictures, "lost": self._lost}
        if summary != self._written:
            data = json.dumps(summary, indent=1)
            descriptor = os.open(
                f"{self._path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
            )
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(data)
            os.replace(f"{self._path}.new", self._path)
            self._written = summary

    def _pictures(self) -> int:
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            return sum(catalogue.count(state) for state in (DUE, INDEXED, FAILED))

    @property
    def remark(self) -> Reason | None:
        """What the library has lost, and what the user can do; None if it has lost nothing."""
        parts = [_KINDS[kind](names=_listed(items)) for kind, items in self._lost.items()]
        if self._lost_pictures:
            parts.insert(0, reasons.LOST_PICTURES(count=self._lost_pictures))
        if not parts:
            return None
        lost = reduce(lambda first, rest: LIST(first=first, rest=rest), parts)
        remedy = reasons.PUT_BACKUP_BACK()
        if gone := self._lost.get("roots"):
            names = [shlex.quote(shown(os.fsencode(one))) for one in gone[:_SHOWN]]
            remedy = reasons.PUT_BACKUP_BACK_OR_ADD(names=" ".join(names))
        state = reasons.LACKS if any(self._initial.values()) else reasons.EMPTIED
        return state(path=self._library.path, lost=lost, remedy=remedy)


def _items(library: Library) -> Items:
    with library.read() as database:
        tagged = database.execute("SELECT path FROM tag_folders ORDER BY path").fetchall()
        rows = database.execute(
            "SELECT directory, path FROM roots LEFT JOIN disks USING (directory)"
        ).fetchall()
    with library.memory_lock:
        tree = library.tree
        roots = [tree.path(row) if row in tree else path for row, path in rows]
    return {
        "roots": sorted(_text(path) for path in roots if path),
        "tagged": [_text(row[0]) for row in tagged],
        "concepts": [concept.name for concept in concepts.read(library)],
        "saved": [os.fsdecode(search.name) for search in saved.read(library)],
    }


def _listed(items: list[str]) -> str:
    names = [shown(os.fsencode(item)) for item in items[:_SHOWN]]
    return ", ".join([*names, *(["…"] if len(items) > _SHOWN else [])])


def _text(path: Any) -> str:
    return os.fsdecode(path) if isinstance(path, bytes) else str(path)


def _missing(before: Items, now: Items) -> Items:
    found = {
        kind: [item for item in before.get(kind, []) if item not in now[kind]] for kind in _KINDS
    }
    return {kind: items for kind, items in found.items() if items}


def _joined(summary: dict[str, Any]) -> Items:
    """What the library had when the summary was written, with what it had lost by then."""
    lost = summary.get("lost", {})
    return {kind: [*summary.get(kind, []), *lost.get(kind, [])] for kind in _KINDS}


def _read(path: str) -> dict[str, Any]:
    """The summary in the file at `path`; empty if there is none that can be used."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        with open(path, encoding="ascii") as file:
            summary = json.load(file)
        kinds = [*(summary.get(kind, []) for kind in _KINDS), *summary.get("lost", {}).values()]
        strings = all(isinstance(item, str) for items in kinds for item in items)
        if strings and isinstance(summary.get("pictures", 0), int):
            return dict(summary)
    return {}
