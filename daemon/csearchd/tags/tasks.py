"""What is to be tagged, or taken back: tasks, and the items of work that they are made of."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from csearch.protocol.wire import Message
from csearchd.formats.suffixes import is_raw
from csearchd.library.library import Library
from csearchd.library.roots import is_below, roots
from csearchd.models.active_model import ActiveModel
from csearchd.tags import ledger
from csearchd.tags.ledger import Entry
from csearchd.tags.plan import DAMAGED
from csearchd.tags.tag_scorer import TagScorer
from csearchd.tags.writers import sidecar

MODES = ledger.CARRIERS
_BATCH = 48  # items that the tagger gets at a time
_BYTES = 8 << 20  # of a batch


@dataclass(frozen=True)
class TagLocation:
    """A file to take words from: `row` is its entry in the ledger, None where there may be a mirror
    only."""

    file: int | None
    path: bytes
    carrier: str
    row: int | None


@dataclass
class Task:
    """Work that goes on until `files` and `locations` are empty, or it is cancelled, and nothing is
    in the tagger's hands."""

    kind: str  # "write", "undo" or "settle": find out what came of a killed tagger's work
    mode: str = ""
    files: deque[int] = field(default_factory=deque)
    locations: deque[TagLocation] = field(default_factory=deque)
    total: int = 0
    done: int = 0
    written: set[bytes | int] = field(default_factory=set)  # pictures: their ids, or else paths
    left: list[tuple[bytes, str]] = field(default_factory=list)
    rows_left: set[int] = field(default_factory=set)  # of the ledger, for those of `left`
    changed_rows: set[int] = field(default_factory=set)  # in whose place another picture is
    changed: set[bytes] = field(default_factory=set)  # directories
    error: str | None = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def write(cls, mode: str, files: Sequence[int]) -> Task:
        return cls("write", mode, deque(files), total=len(files))

    @classmethod
    def undo(cls, locations: Sequence[TagLocation]) -> Task:
        return cls("undo", "", locations=deque(locations), total=len(locations))

    @classmethod
    def settle(cls, locations: Sequence[TagLocation]) -> Task:
        return cls("settle", "", locations=deque(locations), total=len(locations))

    @property
    def is_empty(self) -> bool:
        return self.cancelled.is_set() or not (self.files or self.locations)

    def cancel(self) -> None:
        """Nothing more is begun."""
        self.cancelled.set()


@dataclass(frozen=True)
class WorkItem:
    """An item in the tagger's hands."""

    task: Task
    message: Message
    location: TagLocation
    visit: tuple[str, int | None, str] | None
    content: tuple[int, bytes] | None = None  # scheme and identity of what is to be tagged

    def give_back(self) -> None:
        """It is to be done later, if anybody wants it still."""
        if self.task.cancelled.is_set():
            return
        if self.task.kind != "write":
            self.task.locations.append(self.location)
        elif self.location.file is not None:
            self.task.files.append(self.location.file)


def next_items(
    library: Library, task: Task, active_model: ActiveModel, scoring: TagScorer, root: str
) -> list[WorkItem]:
    """The next items of a task; those that can't be tagged are counted. Raises TagsError."""
    if task.kind != "write":
        return _placed_items(library, task)
    item: list[WorkItem] = []
    while not task.is_empty and not item:
        files = [task.files.popleft() for _ in range(min(_BATCH, len(task.files)))]
        item = _write_items(library, task, files, active_model, scoring, root)
    return item


def _write_items(
    library: Library,
    task: Task,
    files: list[int],
    active_model: ActiveModel,
    scoring: TagScorer,
    root: str,
) -> list[WorkItem]:
    before = _scored(library, files)
    words = scoring.words(active_model, files)
    edition = scoring.edition(active_model)
    scored = _scored(library, files)
    there = files_at(library, files)
    paths = {file: path for file, path, _, _ in there}
    known, _ = entries_at(library, paths)
    unwanted = _unwanted(known.values())
    tops = roots(library)
    item = []
    task.done += len(files) - len(there)
    for file, path, content, failure in there:
        carrier = "sidecar" if task.mode == "embedded" and is_raw(path) else task.mode
        entry = known.get((file, carrier))
        found, reason = scored.get(file), None
        if failure:
            reason = f"it can't be read: {failure}"
        elif file in words and (found is None or found.due or not found.same(before.get(file))):
            reason = "it has changed, and was not read since"
        elif file in words and entry and entry.damaged:
            reason = DAMAGED
        if reason or file not in words or found is None:
            task.done += 1
            task.left += [(path, reason)] if reason else []
            continue
        location = TagLocation(file, path, carrier, entry.row if entry else None)
        message = {
            **_message("write", location, entry),
            "words": [word for word, _ in words[file] if word not in unwanted[file]],
            "root": root,
            "model": active_model.model.name,
            "top": watched_root_of(path, tops),
            "scored": found.message(found.content),
        }
        item.append(WorkItem(task, message, location, (task.mode, content, edition), found.content))
    return item


class _Scored(NamedTuple):
    """What the library has read of a file; `due` where that must be done again."""

    due: bool
    stat: list[int]  # size, mtime_ns, ctime_ns, inode
    orientation: int | None
    content: tuple[int, bytes] | None  # scheme, identity

    def same(self, other: _Scored | None) -> bool:
        """Whether it shows the same."""
        return other is not None and self.content == other.content

    def message(self, content: tuple[int, bytes] | None) -> Message | None:
        """What tells the tagger whether a file is still what `content` was read from."""
        if content is None:
            return None
        current = not self.due and content == self.content
        return {
            "stat": self.stat if current else None,
            "scheme": content[0],
            "identity": content[1],
            "orientation": self.orientation,
        }


_NOTHING = _Scored(True, [], None, None)


def _scored(library: Library, files: Sequence[int]) -> dict[int, _Scored]:
    marks = ",".join("?" * len(files))
    with library.read() as database:
        rows = database.execute(
            "SELECT f.id, f.due, f.size, f.mtime_ns, f.ctime_ns, f.inode, m.orientation, "
            "c.scheme, c.identity FROM files f LEFT JOIN contents c ON c.id = f.content "
            f"LEFT JOIN metadata m ON m.file = f.id WHERE f.id IN ({marks})",
            files,
        )
        return {
            row[0]: _Scored(bool(row[1]), list(row[2:6]), row[6], row[7:9] if row[8] else None)
            for row in rows
        }


def watched_root_of(path: bytes, tops: Iterable[bytes]) -> bytes:
    """The watched directory that `path` is in, below which no symbolic link is followed: "/" where
    there is none, since the path was a real one when it was read."""
    return max((top for top in tops if is_below(path, top)), key=len, default=b"/")


def files_at(
    library: Library, files: Sequence[int]
) -> list[tuple[int, bytes, int | None, str | None]]:
    """Id, path, content, failure."""
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


def _placed_items(library: Library, task: Task) -> list[WorkItem]:
    chosen: list[tuple[TagLocation, Entry | None]] = []
    size = 0
    while task.locations and len(chosen) < _BATCH and size < _BYTES:
        location = task.locations.popleft()
        entry = ledger.by_row(library, location.row) if location.row is not None else None
        if entry and entry.damaged:
            task.left.append((location.path, DAMAGED))
            task.rows_left.add(entry.row)
        if (location.row is not None and entry is None) or (entry and entry.damaged):
            task.done += 1
            continue
        size += len((entry.record or {}).get("original") or b"") if entry else 0
        chosen.append((location, entry))
    files = [location.file for location, _ in chosen if location.file is not None]
    scored, tops = _scored(library, files), roots(library)
    item = []
    for location, entry in chosen:
        known = scored.get(location.file or 0, _NOTHING)
        message = {
            **_message(task.kind, location, entry),
            "top": watched_root_of(location.path, tops),
            "scored": known.message(entry.content if entry else None),
        }
        item.append(WorkItem(task, message, location, None))
    return item


def _message(kind: str, location: TagLocation, entry: Entry | None) -> Message:
    return {
        "kind": kind,
        "path": location.path,
        "carrier": location.carrier,
        "probe": kind == "undo" and location.row is None,
        "row": entry.row if entry else None,
        "record": entry.record if entry else None,
        "intended": entry.intended if entry else None,
    }


def unfinished(library: Library) -> list[TagLocation]:
    """Where a killed tagger was about to write."""
    entries = [entry for entry in ledger.unfinished(library) if not entry.damaged]
    known = [entry.file for entry in entries if entry.file is not None]
    there: dict[int | None, bytes] = {
        file: at for file, at, _, _ in files_in_chunks(library, known)
    }
    return [
        TagLocation(entry.file, there.get(entry.file, entry.path), entry.carrier, entry.row)
        for entry in entries
    ]


def entries_at(
    library: Library, there: Mapping[int, bytes]
) -> tuple[dict[tuple[int, str], Entry], set[int]]:
    """The entries of files that are at some paths now, by file and carrier.

    Of sidecars that stayed where they were when their pictures were renamed, the rows only: they
    belong to no file any more.
    """
    found: dict[tuple[int, str], Entry] = {}
    left: set[int] = set()
    tops = roots(library)
    for entry in ledger.entries(library, list(there)):
        assert entry.file is not None
        if _stayed_behind(entry, there[entry.file], tops):
            left.add(entry.row)
        else:
            found[entry.file, entry.carrier] = entry
    if left:
        ledger.detach(library, left)
    return found, left


def _stayed_behind(entry: Entry, path: bytes, tops: Iterable[bytes]) -> bool:
    if entry.carrier != "sidecar" or entry.path == path:
        return False
    here, there = (
        sidecar.holds(at, watched_root_of(at, tops), entry.marks) for at in (path, entry.path)
    )
    return there and not here


def _unwanted(entries: Iterable[Entry]) -> dict[int | None, set[str]]:
    """The words that the user removed from some files, in whatever carrier."""
    found: dict[int | None, set[str]] = defaultdict(set)
    for entry in entries:
        found[entry.file].update(entry.record["removed"] if entry.record else ())
    return found


def files_in_chunks(
    library: Library, files: Sequence[int]
) -> Iterable[tuple[int, bytes, int | None, str | None]]:
    for start in range(0, len(files), 500):
        yield from files_at(library, files[start : start + 500])
