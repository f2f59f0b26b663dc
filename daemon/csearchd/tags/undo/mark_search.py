"""Files that hold the mark of a write, found by looking into them: where all else fails."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from csearchd.concurrency.threads import Until
from csearchd.errors import SkippedFile
from csearchd.formats.suffixes import is_sidecar
from csearchd.library.library import Library
from csearchd.library.roots import roots
from csearchd.metadata.keyword_paths import leaf
from csearchd.tags.ledger import Entry
from csearchd.tags.tasks import TagLocation, files_in_chunks, watched_root_of
from csearchd.tags.writers.beneath import open_directory
from csearchd.tags.writers.replace import OpenFile
from csearchd.tags.writers.xattr import MIRROR

_MOST = 16 << 20  # bytes of a sidecar
_PARAMETERS = 500  # in one SQL statement


def find_marks(until: Until, library: Library, lost: Sequence[Entry]) -> list[TagLocation]:
    """Where the writes of some entries are, in any directory that the library knows. Raises Ended.

    Attributes and sidecars are looked at; pictures only if the library has read our words in them,
    or not read them yet: the tagger looks for its marks there.
    """
    marks = {
        carrier: [mark.encode() for one in lost if one.carrier == carrier for mark in one.marks]
        for carrier in ("xattr", "sidecar")
    }
    found: list[TagLocation] = []
    if marks["xattr"] or marks["sidecar"]:
        tops = roots(library)
        for directory in _listed(library):
            until.check()
            found += _in_directory(directory, watched_root_of(directory, tops), marks)
    files = _with_words(library, [one for one in lost if one.carrier == "embedded"])
    found += [
        TagLocation(file, at, "embedded", None)
        for file, at, _, _ in files_in_chunks(library, files)
    ]
    return found


def _listed(library: Library) -> list[bytes]:
    """The directories that the library has looked into: not those that only lead there."""
    with library.read() as database:
        rows = database.execute("SELECT id FROM directories WHERE listing IS NOT NULL").fetchall()
    with library.memory_lock:
        return [library.tree.path(row[0]) for row in rows if row[0] in library.tree]


def _in_directory(
    directory: bytes, top: bytes, marks: dict[str, list[bytes]]
) -> Iterator[TagLocation]:
    try:
        descriptor = open_directory(directory, top)
    except (OSError, SkippedFile):
        return
    try:
        for name in map(os.fsencode, os.listdir(descriptor)):
            path = os.path.join(directory, name)
            if is_sidecar(name):
                if marks["sidecar"] and _holds(descriptor, path, marks["sidecar"]):
                    # What a picture would be called that has it
                    yield TagLocation(None, os.path.splitext(path)[0], "sidecar", None)
            elif marks["xattr"] and _has_attribute(descriptor, name, marks["xattr"]):
                yield TagLocation(None, path, "xattr", None)
    except OSError:
        pass  # it has gone meanwhile, or can't be listed
    finally:
        os.close(descriptor)


def _holds(directory: int, path: bytes, marks: Iterable[bytes]) -> bool:
    try:
        file = OpenFile(path, directory=directory)
    except (OSError, SkippedFile):
        return False
    try:
        content = file.read(_MOST)
        return any(mark in content for mark in marks)
    except SkippedFile:
        return False
    finally:
        file.close()


def _has_attribute(directory: int, name: bytes, marks: Iterable[bytes]) -> bool:
    try:
        if not stat.S_ISREG(os.lstat(name, dir_fd=directory).st_mode):
            return False
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=directory)
        try:
            noted = os.getxattr(descriptor, MIRROR)
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return any(mark in noted for mark in marks)


def _with_words(library: Library, lost: Sequence[Entry]) -> list[int]:
    """The files in which the library has read a word of some entries, or which it must read."""
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
