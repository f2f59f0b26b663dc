"""The last resort of an undo: reads files to find the mark that csearch left beside its tags."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from functools import partial

from csearchd.concurrency.threads import Cancellation
from csearchd.errors import SkippedFile, Unanswered
from csearchd.formats.suffixes import is_sidecar
from csearchd.library.library import Library
from csearchd.library.roots import roots
from csearchd.metadata.keyword_paths import leaf
from csearchd.tags.ledger import Entry
from csearchd.tags.locations import (
    TagLocation,
    TimedCall,
    files_in_chunks,
    watched_root_of,
)
from csearchd.tags.writers.open_file import OpenFile, open_directory
from csearchd.tags.writers.xattr import MIRROR

_MAX_SIDECAR_BYTES = 16 << 20
_FILES_AT_ONCE = 16  # checked in one call, which has to end in the time that a server may take
_PARAMETERS = 500  # in one SQL statement


def find_marks(
    cancellation: Cancellation, library: Library, lost: Sequence[Entry], timed_call: TimedCall
) -> list[TagLocation]:
    """The files that hold a mark of the entries `lost`, in any directory that the library knows.

    Extended attributes and sidecars are read here. Pictures are only named: those in which the
    library has read one of the tags, or which it hasn't read yet; the tagger looks for marks in
    them. Directories on file systems that don't answer are left out. Raises Ended, LibraryError.
    """
    marks = {
        carrier: [mark.encode() for one in lost if one.carrier == carrier for mark in one.marks]
        for carrier in ("xattr", "sidecar")
    }
    found: list[TagLocation] = []
    if marks["xattr"] or marks["sidecar"]:
        watched = roots(library)
        for directory in _listed_directories(library):
            cancellation.check()
            try:
                found += _in_directory(
                    directory, watched_root_of(directory, watched), marks, timed_call
                )
            except Unanswered:
                continue
    files = _with_tags(library, [one for one in lost if one.carrier == "embedded"])
    found += [
        TagLocation(file, at, "embedded", None)
        for file, at, _, _ in files_in_chunks(library, files)
    ]
    return found


def _listed_directories(library: Library) -> list[bytes]:
    """The directories that the library has listed; not their parents outside of every root."""
    with library.read() as database:
        rows = database.execute("SELECT id FROM directories WHERE listing IS NOT NULL").fetchall()
    with library.memory_lock:
        return [library.tree.path(row[0]) for row in rows if row[0] in library.tree]


def _in_directory(
    directory: bytes, top: bytes, marks: dict[str, list[bytes]], timed_call: TimedCall
) -> list[TagLocation]:
    """Raises Unanswered. Each call opens and closes what it needs, so that one that is given up
    leaves nothing open."""
    found: list[TagLocation] = []
    names = timed_call(directory, lambda: _names(directory, top))
    for start in range(0, len(names), _FILES_AT_ONCE):
        part = names[start : start + _FILES_AT_ONCE]
        check = partial(_holding_marks, directory, top, part, marks)
        found += timed_call(directory, check)
    return found


def _names(directory: bytes, top: bytes) -> list[bytes]:
    try:
        descriptor = open_directory(directory, top)
    except (OSError, SkippedFile):
        return []
    try:
        return [os.fsencode(name) for name in os.listdir(descriptor)]
    except OSError:  # it was removed meanwhile, or may not be read
        return []
    finally:
        os.close(descriptor)


def _holding_marks(
    directory: bytes, top: bytes, names: Iterable[bytes], marks: dict[str, list[bytes]]
) -> list[TagLocation]:
    """The locations of those of some files that hold one of the marks."""
    found: list[TagLocation] = []
    try:
        descriptor = open_directory(directory, top)
    except (OSError, SkippedFile):
        return found
    try:
        for name in names:
            path = os.path.join(directory, name)
            if is_sidecar(name):
                if marks["sidecar"] and _sidecar_holds(descriptor, path, marks["sidecar"]):
                    picture = os.path.splitext(path)[0]
                    found.append(TagLocation(None, picture, "sidecar", None))
            elif marks["xattr"] and _attribute_holds(descriptor, name, marks["xattr"]):
                found.append(TagLocation(None, path, "xattr", None))
    finally:
        os.close(descriptor)
    return found


def _sidecar_holds(directory: int, path: bytes, marks: Iterable[bytes]) -> bool:
    try:
        file = OpenFile(path, directory=directory)
    except (OSError, SkippedFile):
        return False
    try:
        content = file.read(_MAX_SIDECAR_BYTES)
        return any(mark in content for mark in marks)
    except SkippedFile:
        return False
    finally:
        file.close()


def _attribute_holds(directory: int, name: bytes, marks: Iterable[bytes]) -> bool:
    try:
        if not stat.S_ISREG(os.lstat(name, dir_fd=directory).st_mode):
            return False
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=directory)
        try:
            value = os.getxattr(descriptor, MIRROR)
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return any(mark in value for mark in marks)


def _with_tags(library: Library, lost: Sequence[Entry]) -> list[int]:
    """The files in which the library has read a tag of some entries, and those still to be read."""
    records = [one for entry in lost for one in (entry.record, entry.intended) if one]
    words = sorted({leaf(word) for record in records for word in record["words"]})
    if not words:
        return []
    with library.read() as database:
        found = {row[0] for row in database.execute("SELECT id FROM files WHERE due")}
        for start in range(0, len(words), _PARAMETERS):
            part = words[start : start + _PARAMETERS]
            rows = database.execute(
                "SELECT p.file FROM keywords k JOIN file_keywords p ON p.keyword = k.id "
                f"WHERE k.text IN ({','.join('?' * len(part))})",
                part,
            )
            found.update(row[0] for row in rows)
    return sorted(found)
