"""Where tags of csearch may be, according to the library and the ledger."""

from __future__ import annotations

import os
from collections.abc import Sequence

from csearchd.errors import Unanswered
from csearchd.library.library import Library
from csearchd.library.roots import is_below
from csearchd.tags import ledger, tagged_folders
from csearchd.tags.ledger import CARRIERS, Entry
from csearchd.tags.locations import TagLocation, TimedCall, entries_at, files_in_chunks


def known_locations(
    library: Library, path: bytes | None, timed_call: TimedCall
) -> list[TagLocation]:
    """Where tags may be in and below `path`, or everywhere if it is None.

    Files without an entry in the ledger are included: they may be copies of tagged ones, which
    brought the tags and the mirror with them. Raises LibraryError.
    """
    known = ledger.all_files(library) if path is None else tagged_folders.files_below(library, path)
    paths = {file: at for file, at, _, _ in files_in_chunks(library, known)}
    entries, left_behind, _ = entries_at(library, paths, timed_call)
    found = [
        TagLocation(file, paths[file], carrier, entry.row)
        for (file, carrier), entry in entries.items()
    ]
    found += [
        TagLocation(None, entry.path, entry.carrier, entry.row)
        for entry in ledger.lost_entries(library)
        if path is None or is_below(entry.path, path) or entry.row in left_behind
    ]
    # Files on disks that aren't mounted have no path now.
    found += [
        TagLocation(entry.file, entry.path, entry.carrier, entry.row)
        for entry in ledger.entries(library, list(set(known).difference(paths)))
    ]
    if path is not None and not paths and not found and _is_file(path, timed_call):
        return [TagLocation(None, path, carrier, None) for carrier in CARRIERS]
    with_entries = {file for file, _ in entries}
    found += [
        TagLocation(file, at, carrier, None)
        for file, at in paths.items()
        for carrier in CARRIERS
        if (file, carrier) not in entries and (path is not None or file not in with_entries)
    ]
    return found


def _is_file(path: bytes, timed_call: TimedCall) -> bool:
    try:
        return timed_call(path, lambda: os.path.isfile(path))
    except Unanswered:
        return False


def relocated(library: Library, lost: Sequence[Entry], timed_call: TimedCall) -> list[TagLocation]:
    """Where files may be now that weren't at the paths of their entries `lost`.

    These are the paths that the library has for them by now, files that show the same picture, and
    files that it hasn't read yet. Raises LibraryError.
    """
    known = [entry.file for entry in lost if entry.file is not None]
    paths = {file: at for file, at, _, _ in files_in_chunks(library, known)}
    entries = entries_at(library, paths, timed_call).by_file
    found = [
        TagLocation(file, paths[file], carrier, entry.row)
        for (file, carrier), entry in entries.items()
    ]
    rows = {location.row for location in found}
    strays = [entry for entry in lost if entry.row not in rows]
    found += [TagLocation(None, entry.path, entry.carrier, entry.row) for entry in strays]
    unread = _unread(library) if strays else []
    candidates = {entry.carrier: list(unread) for entry in strays}
    unread_paths = list(files_in_chunks(library, unread))
    for entry in strays:
        same_picture = _showing_the_same(library, entry) if entry.content else []
        candidates[entry.carrier] += same_picture
        if entry.record is None:
            # The tagger may have been killed before it wrote a mark; then only the name tells.
            found += [
                TagLocation(file, at, entry.carrier, entry.row)
                for file, at, _, _ in (*files_in_chunks(library, same_picture), *unread_paths)
                if os.path.basename(at) == os.path.basename(entry.path)
            ]
    return found + _without_entry(library, candidates)


def _showing_the_same(library: Library, entry: Entry) -> list[int]:
    """The files with the picture that was tagged and without an entry of their own."""
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


def _without_entry(library: Library, candidates: dict[str, list[int]]) -> list[TagLocation]:
    """Locations of files, by carrier, in which only a mirror can tell what csearch wrote."""
    return [
        TagLocation(file, at, carrier, None)
        for carrier, files in candidates.items()
        for file, at, _, _ in files_in_chunks(library, list(dict.fromkeys(files)))
    ]
