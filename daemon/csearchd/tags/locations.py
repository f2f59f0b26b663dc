"""Where tagged files are: the ledger's entries joined with the library's paths of today."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from csearchd.errors import Unanswered
from csearchd.library.library import Library
from csearchd.library.roots import is_below, roots
from csearchd.tags import ledger
from csearchd.tags.ledger import Entry
from csearchd.tags.writers import sidecar

_FILES_AT_ONCE = 500  # in one SQL statement

T = TypeVar("T")
FilePath = tuple[int, bytes, int | None, str | None]
"""A file's id, path, content id, and why it can't be read, if that failed."""


class TimedCall(Protocol):
    """Calls a function that accesses a path, for a limited time where its server may hang."""

    def __call__(self, path: bytes, function: Callable[[], T], /) -> T:
        """Returns or raises what `function` does. Raises Unanswered at the end of the time."""


@dataclass(frozen=True)
class TagLocation:
    """A file from which tags are to be taken back, and the carrier that holds them.

    `row` is the file's row in the ledger; None if the file has no entry, and a mirror beside the
    tags has to say what csearch wrote.
    """

    file: int | None
    path: bytes
    carrier: str
    row: int | None


def watched_root_of(path: bytes, watched: Iterable[bytes]) -> bytes:
    """The watched directory that `path` is in, below which no symbolic link is followed.

    "/" where there is none: then the path had no links when it was read.
    """
    return max((root for root in watched if is_below(path, root)), key=len, default=b"/")


def files_at(library: Library, files: Sequence[int]) -> list[FilePath]:
    """The paths of up to 500 files, of those that the library still has."""
    marks = ",".join("?" * len(files))
    with library.read() as database:
        rows = database.execute(
            "SELECT f.id, f.directory, f.name, f.content, coalesce(f.failure, c.failure) "
            f"FROM files f LEFT JOIN contents c ON c.id = f.content WHERE f.id IN ({marks})",
            files,
        ).fetchall()
    with library.memory_lock:
        tree = library.tree
        return [
            (row[0], tree.path(row[1]).rstrip(b"/") + b"/" + row[2], row[3], row[4])
            for row in rows
            if row[1] in tree
        ]


def files_in_chunks(library: Library, files: Sequence[int]) -> Iterator[FilePath]:
    """As `files_at`, for any number of files."""
    for start in range(0, len(files), _FILES_AT_ONCE):
        yield from files_at(library, files[start : start + _FILES_AT_ONCE])


def unfinished(library: Library) -> list[TagLocation]:
    """Where a killed tagger was about to write."""
    entries = [entry for entry in ledger.unfinished(library) if not entry.damaged]
    known = [entry.file for entry in entries if entry.file is not None]
    paths: dict[int | None, bytes] = {
        file: path for file, path, _, _ in files_in_chunks(library, known)
    }
    return [
        TagLocation(entry.file, paths.get(entry.file, entry.path), entry.carrier, entry.row)
        for entry in entries
    ]


class Entries(NamedTuple):
    """The ledger's entries of some files."""

    by_file: dict[tuple[int, str], Entry]  # by file and carrier
    left_behind: set[int]  # rows of sidecars that stayed where they were when pictures moved
    unanswered: set[int]  # files whose file system doesn't answer, so that neither is certain


def entries_at(library: Library, paths: Mapping[int, bytes], timed_call: TimedCall) -> Entries:
    """The entries of files that have these paths now.

    Entries of sidecars that stayed behind are detached from their files.
    """
    found = Entries({}, set(), set())
    watched = roots(library)
    for entry in ledger.entries(library, list(paths)):
        assert entry.file is not None
        try:
            if _stayed_behind(entry, paths[entry.file], watched, timed_call):
                found.left_behind.add(entry.row)
                continue
        except Unanswered:
            found.unanswered.add(entry.file)
        found.by_file[entry.file, entry.carrier] = entry
    if found.left_behind:
        ledger.detach(library, found.left_behind)
    return found


def _stayed_behind(
    entry: Entry, path: bytes, watched: Iterable[bytes], timed_call: TimedCall
) -> bool:
    """Whether a picture is at `path` now and its sidecar still where both were.

    Raises Unanswered.
    """
    if entry.carrier != "sidecar" or entry.path == path:
        return False

    def has_sidecar(at: bytes) -> bool:
        root = watched_root_of(at, watched)
        return timed_call(at, lambda: sidecar.holds(at, root, entry.marks))

    return has_sidecar(entry.path) and not has_sidecar(path)
