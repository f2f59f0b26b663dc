"""Where words of ours may be: by the library's files, their contents, and the ledger's paths."""

from __future__ import annotations

import os
from collections.abc import Sequence

from csearchd.library.library import Library
from csearchd.library.roots import is_below
from csearchd.tags import ledger, tagged_folders
from csearchd.tags.ledger import CARRIERS, Entry
from csearchd.tags.tasks import TagLocation, entries_at, files_in_chunks


def locations(library: Library, path: bytes | None) -> list[TagLocation]:
    """Where words of ours may be, in and below `path` or everywhere."""
    known = ledger.all_files(library) if path is None else tagged_folders.files_below(library, path)
    there = {file: where for file, where, _, _ in files_in_chunks(library, known)}
    entries, left = entries_at(library, there)
    found = [
        TagLocation(file, there[file], carrier, entry.row)
        for (file, carrier), entry in entries.items()
    ]
    found += [
        TagLocation(None, entry.path, entry.carrier, entry.row)
        for entry in ledger.lost_entries(library)
        if path is None or is_below(entry.path, path) or entry.row in left
    ]
    # Of disks that are away: their files have no path now
    found += [
        TagLocation(entry.file, entry.path, entry.carrier, entry.row)
        for entry in ledger.entries(library, list(set(known).difference(there)))
    ]
    if path is not None and not there and not found and os.path.isfile(path):
        return [TagLocation(None, path, carrier, None) for carrier in CARRIERS]
    with_entries = {file for file, _ in entries}
    found += [
        TagLocation(file, where, carrier, None)
        for file, where in there.items()
        for carrier in CARRIERS
        if (file, carrier) not in entries and (path is not None or file not in with_entries)
    ]
    return found


def relocated(library: Library, lost: Sequence[Entry]) -> list[TagLocation]:
    """Where the files of some entries may be that weren't where they were looked for.

    That is where the library has them by now, or has read what they show, or hasn't read yet.
    """
    known = [entry.file for entry in lost if entry.file is not None]
    there = {file: where for file, where, _, _ in files_in_chunks(library, known)}
    entries, _ = entries_at(library, there)
    found = [
        TagLocation(file, there[file], carrier, entry.row)
        for (file, carrier), entry in entries.items()
    ]
    rows = {location.row for location in found}
    strays = [entry for entry in lost if entry.row not in rows]
    found += [TagLocation(None, entry.path, entry.carrier, entry.row) for entry in strays]
    unread = _unread(library) if strays else []
    candidates = {entry.carrier: list(unread) for entry in strays}
    unread_at = list(files_in_chunks(library, unread))
    for entry in strays:
        showing = _showing(library, entry) if entry.content else []
        candidates[entry.carrier] += showing
        if entry.record is None:  # perhaps it was killed before it wrote: then no mark tells
            found += [
                TagLocation(file, where, entry.carrier, entry.row)
                for file, where, _, _ in (*files_in_chunks(library, showing), *unread_at)
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


def _probes(library: Library, candidates: dict[str, list[int]]) -> list[TagLocation]:
    return [
        TagLocation(file, where, carrier, None)
        for carrier, files in candidates.items()
        for file, where, _, _ in files_in_chunks(library, list(dict.fromkeys(files)))
    ]
