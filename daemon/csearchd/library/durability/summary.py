"""A short summary of the library beside it, so that a library that was lost is noticed.

A database whose file was emptied, or whose log was damaged, opens as an older or an empty one, and
SQLite says nothing. What the summary has and the library lacks is told to the user, until something
is added again.
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
from csearchd.library.durability import shown
from csearchd.library.library import Library
from csearchd.reasons import LIST, Reason
from csearchd.reasons import library as reasons

Items = dict[str, list[str]]  # by kind, in order; paths as os.fsdecode gives them

_NAME = "summary.json"
_SHOWN = 10
_KINDS = {
    "roots": reasons.LOST_ROOTS,
    "tagged": reasons.LOST_TAGGED,
    "concepts": reasons.LOST_CONCEPTS,
}


class Summary:
    """Of one open library; `update` may be called by several threads."""

    def __init__(self, library: Library) -> None:
        """Compares the library with what is known of it from before. Raises LibraryError."""
        self._library = library
        self._updating = threading.Lock()
        self._path = os.path.join(os.path.dirname(library.path), _NAME)
        self._written = _read(self._path)
        self._first = _items(library)  # what there was at the start
        self._lost = _missing(_joined(self._written), self._first)
        held = int(self._written.get("pictures", 0))
        self._lost_pictures = 0 if self._pictures() else held

    def is_outdated(self) -> bool:
        """Whether something that the user made has come or gone. Raises LibraryError."""
        now = _items(self._library)
        return any(now[kind] != self._written.get(kind, []) for kind in _KINDS)

    def update(self) -> None:
        """Writes what the library has now, if that is something else. Raises LibraryError, OSError.

        What is written is on the disk already: see Library.checkpoint.
        """
        with self._updating:
            self._update()

    def _update(self) -> None:
        now, pictures = _items(self._library), self._pictures()
        if _missing(now, self._first):
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
        """What the library had once and lacks now, and what to do; None if it lacks nothing."""
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
        state = reasons.LACKS if any(self._first.values()) else reasons.EMPTIED
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
    """What the library had when the summary was written, and what it lacked already."""
    lost = summary.get("lost", {})
    return {kind: [*summary.get(kind, []), *lost.get(kind, [])] for kind in _KINDS}


def _read(path: str) -> dict[str, Any]:
    """What is in the file; nothing if that can't be used."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        with open(path, encoding="ascii") as file:
            summary = json.load(file)
        kinds = [*(summary.get(kind, []) for kind in _KINDS), *summary.get("lost", {}).values()]
        strings = all(isinstance(item, str) for items in kinds for item in items)
        if strings and isinstance(summary.get("pictures", 0), int):
            return dict(summary)
    return {}
