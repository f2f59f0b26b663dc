"""Where words of ours may be: by the library's files, their contents, and the ledger's paths."""

from __future__ import annotations

import os
from collections.abc import Sequence

from csearchd.library.library import Library
from csearchd.library.roots import is_below
from csearchd.tags import folders, ledger
from csearchd.tags.ledger import CARRIERS, Entry
from csearchd.tags.tasks import Place, chunked, entries_at


def places(library: Library, path: bytes | None) -> list[Place]:
    """Where words of ours may be, in and below `path` or everywhere."""
    known = ledger.all_files(library) if path is None else folders.below(library, path)
    there = {file: where for file, where, _, _ in chunked(library, known)}
    entries, left = entries_at(library, there)
    found = [
        Place(file, there[file], carrier, entry.row) for (file, carrier), entry in entries.items()
    ]
    found += [
        Place(None, entry.path, entry.carrier, entry.row)
        for entry in ledger.lost_entries(library)
        if path is None or is_below(entry.path, path) or entry.row in left
    ]
    # Of disks that are away: their files have no path now
    found += [
        Place(entry.file, entry.path, entry.carrier, entry.row)
        for entry in ledger.entries(library, list(set(known).difference(there)))
    ]
    if path is not None and not there and not found and os.path.isfile(path):
        return [Place(None, path, carrier, None) for carrier in CARRIERS]
    with_entries = {file for file, _ in entries}
    found += [
        Place(file, where, carrier, None)
        for file, where in there.items()
        for carrier in CARRIERS
        if (file, carrier) not in entries and (path is not None or file not in with_entries)
    ]
    return found


def elsewhere(library: Library, lost: Sequence[Entry]) -> list[Place]:
    """Where the files of some entries may be that weren't where they were looked for.

    That is where the library has them by now, or has read what they show, or hasn't read yet.
    """
    known = [entry.file for entry in lost if entry.file is not None]
    there = {file: where for file, where, _, _ in chunked(library, known)}
    entries, _ = entries_at(library, there)
    found = [
        Place(file, there[file], carrier, entry.row) for (file, carrier), entry in entries.items()
    ]
    rows = {place.row for place in found}
    strays = [entry for entry in lost if entry.row not in rows]
    found += [Place(None, entry.path, entry.carrier, entry.row) for entry in strays]
    unread = _unread(library) if strays else []
    candidates = {entry.carrier: list(unread) for entry in strays}
    unread_at = list(chunked(library, unread))
    for entry in strays:
        showing = _showing(library, entry) if entry.content else []
        candidates[entry.carrier] += showing
        if entry.record is None:  # perhaps it was killed before it wrote: then no mark tells
            found += [
                Place(file, where, entry.carrier, entry.row)
                for file, where, _, _ in (*chunked(library, showing), *unread_at)
                if os.path.basename(where) == os.path.basename(entry.path)
            ]
    return found + _probes(library, candidates)


def _showing(library: Library, entry: Entry) -> list[int]:
    """The files that show what was tagged, and have no entry of their own."""
    with library.read() as database:
        rows = database.execute(
            "SELECT f.id FROM contents c JOIN files f ON f.content = c.id "
            "WHERE c.scheme = ? AND c.identity = ? AND NOT EXISTS "
            "(SELECT 1 FROM tag_ledger WHERE file = f.id AND carrier = ?)",
            (*(entry.content or ()), entry.carrier),
        )
        return [row[0] for row in rows]


def _unread(library: Library) -> list[int]:
    with library.read() as database:
        rows = database.execute("SELECT id FROM files WHERE due AND content IS NULL")
        return [row[0] for row in rows]


def _probes(library: Library, candidates: dict[str, list[int]]) -> list[Place]:
    return [
        Place(file, where, carrier, None)
        for carrier, files in candidates.items()
        for file, where, _, _ in chunked(library, list(dict.fromkeys(files)))
    ]
