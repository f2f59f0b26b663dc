"""What is to be tagged, or taken back: tasks, and the items of work that they are made of."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from csearch.protocol import Message
from csearchd.encode.formats import is_raw
from csearchd.encode.serving import Serving
from csearchd.library.library import Library
from csearchd.library.roots import is_below
from csearchd.tags import folders, ledger
from csearchd.tags.ledger import Entry
from csearchd.tags.scoring import Scoring
from csearchd.tags.writers import sidecar

MODES = ("xattr", "sidecar", "embedded")
_BATCH = 48  # items that the tagger gets at a time
_BYTES = 8 << 20  # of a batch


@dataclass(frozen=True)
class Place:
    """A file to take words from: `row` is its entry in the ledger, None where there may be a mirror
    only."""

    file: int | None
    path: bytes
    carrier: str
    row: int | None
    whole: bool = True  # look for a mirror in the picture itself too


@dataclass
class Task:
    """Work that goes on until `files` and `places` are empty, or it is cancelled, and nothing is
    in the tagger's hands."""

    kind: str  # "write", "undo" or "settle": find out what came of a killed tagger's work
    mode: str = ""
    files: deque[int] = field(default_factory=deque)
    places: deque[Place] = field(default_factory=deque)
    total: int = 0
    done: int = 0
    written: set[bytes] = field(default_factory=set)  # pictures
    left: list[tuple[bytes, str]] = field(default_factory=list)
    changed: set[bytes] = field(default_factory=set)  # directories
    error: str | None = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def write(cls, mode: str, files: Sequence[int]) -> Task:
        return cls("write", mode, deque(files), total=len(files))

    @classmethod
    def undo(cls, places: Sequence[Place]) -> Task:
        return cls("undo", "", places=deque(places), total=len(places))

    @classmethod
    def settle(cls, places: Sequence[Place]) -> Task:
        return cls("settle", "", places=deque(places), total=len(places))

    @property
    def is_empty(self) -> bool:
        return self.cancelled.is_set() or not (self.files or self.places)

    def cancel(self) -> None:
        """Nothing more is begun."""
        self.cancelled.set()


@dataclass(frozen=True)
class Given:
    """An item in the tagger's hands."""

    task: Task
    message: Message
    place: Place
    visit: tuple[str, int | None, str] | None

    def give_back(self) -> None:
        """It is to be done later, if anybody wants it still."""
        if self.task.cancelled.is_set():
            return
        if self.task.kind != "write":
            self.task.places.append(self.place)
        elif self.place.file is not None:
            self.task.files.append(self.place.file)


def next_items(
    library: Library, task: Task, serving: Serving, scoring: Scoring, root: str
) -> list[Given]:
    """The next items of a task; those that can't be tagged are counted. Raises TagsError."""
    if task.kind != "write":
        return _placed_items(library, task)
    given: list[Given] = []
    while not task.is_empty and not given:
        files = [task.files.popleft() for _ in range(min(_BATCH, len(task.files)))]
        given = _write_items(library, task, files, serving, scoring, root)
    return given


def _write_items(
    library: Library,
    task: Task,
    files: list[int],
    serving: Serving,
    scoring: Scoring,
    root: str,
) -> list[Given]:
    words = scoring.words(serving, files)
    changed = _changed(library, files)
    edition = scoring.edition(serving)
    there = files_at(library, files)
    paths = {file: path for file, path, _, _ in there}
    known, _ = _entries_at(library, paths)
    unwanted = _unwanted(known.values())
    given = []
    task.done += len(files) - len(there)
    for file, path, content, failure in there:
        if file not in words or file in changed:
            task.done += 1
            if failure:
                task.left.append((path, f"it can't be read: {failure}"))
            elif file in words:
                task.left.append((path, "it has changed, and was not read since"))
            continue
        carrier = "sidecar" if task.mode == "embedded" and is_raw(path) else task.mode
        entry = known.get((file, carrier))
        place = Place(file, path, carrier, entry.row if entry else None)
        message = {
            **_message("write", place, entry),
            "words": [word for word, _ in words[file] if word not in unwanted[file]],
            "root": root,
            "model": serving.model.name,
        }
        given.append(Given(task, message, place, (task.mode, content, edition)))
    return given


def _changed(library: Library, files: Sequence[int]) -> set[int]:
    """Those that must be read: they may show something else by now."""
    marks = ",".join("?" * len(files))
    with library.read() as database:
        rows = database.execute(f"SELECT id FROM files WHERE due AND id IN ({marks})", files)
        return {row[0] for row in rows}


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
    with library.memory:
        tree = library.tree
        return [
            (row[0], tree.path(row[1]).rstrip(b"/") + b"/" + row[2], row[3], row[4])
            for row in rows
            if row[1] in tree
        ]


def _placed_items(library: Library, task: Task) -> list[Given]:
    given: list[Given] = []
    size = 0
    while task.places and len(given) < _BATCH and size < _BYTES:
        place = task.places.popleft()
        entry = ledger.by_row(library, place.row) if place.row is not None else None
        message = _message(task.kind, place, entry)
        size += len((entry.record or {}).get("original") or b"") if entry else 0
        given.append(Given(task, message, place, None))
    return given


def _message(kind: str, place: Place, entry: Entry | None) -> Message:
    return {
        "kind": kind,
        "path": place.path,
        "carrier": place.carrier,
        "probe": kind == "undo" and place.row is None,
        "row": entry.row if entry else None,
        "record": entry.record if entry else None,
        "intended": entry.intended if entry else None,
    }


def places(library: Library, path: bytes | None) -> list[Place]:
    """Where words of ours may be, in and below `path` or everywhere."""
    known = ledger.all_files(library) if path is None else folders.below(library, path)
    there = {file: where for file, where, _, _ in _chunked(library, known)}
    entries, left = _entries_at(library, there)
    found = [
        Place(file, there[file], carrier, entry.row) for (file, carrier), entry in entries.items()
    ]
    found += [
        Place(None, entry.path, entry.carrier, entry.row)
        for entry in ledger.lost_entries(library)
        if path is None or is_below(entry.path, path) or entry.row in left
    ]
    if path is not None and not there and not found and os.path.isfile(path):
        return [Place(None, path, carrier, None) for carrier in MODES]
    with_entries = {file for file, _ in entries}
    found += [
        Place(file, where, carrier, None)
        for file, where in there.items()
        for carrier in MODES
        if (file, carrier) not in entries and (path is not None or file not in with_entries)
    ]
    return found


def unfinished(library: Library) -> list[Place]:
    """Where a killed tagger was about to write."""
    entries = ledger.unfinished(library)
    known = [entry.file for entry in entries if entry.file is not None]
    there: dict[int | None, bytes] = {file: at for file, at, _, _ in _chunked(library, known)}
    return [
        Place(entry.file, there.get(entry.file, entry.path), entry.carrier, entry.row)
        for entry in entries
    ]


def _entries_at(
    library: Library, there: Mapping[int, bytes]
) -> tuple[dict[tuple[int, str], Entry], set[int]]:
    """The entries of files that are at some paths now, by file and carrier.

    Of sidecars that stayed where they were when their pictures were renamed, the rows only: they
    belong to no file any more.
    """
    found: dict[tuple[int, str], Entry] = {}
    left: set[int] = set()
    for entry in ledger.entries(library, list(there)):
        assert entry.file is not None
        if _stayed_behind(entry, there[entry.file]):
            left.add(entry.row)
        else:
            found[entry.file, entry.carrier] = entry
    if left:
        ledger.detach(library, left)
    return found, left


def _stayed_behind(entry: Entry, path: bytes) -> bool:
    if entry.carrier != "sidecar" or entry.path == path:
        return False
    marks = [one["mark"] for one in (entry.record, entry.intended) if one]
    return not sidecar.holds(path, marks) and sidecar.holds(entry.path, marks)


def _unwanted(entries: Iterable[Entry]) -> dict[int | None, set[str]]:
    """The words that the user removed from some files, in whatever carrier."""
    found: dict[int | None, set[str]] = defaultdict(set)
    for entry in entries:
        found[entry.file].update(entry.record["removed"] if entry.record else ())
    return found


def _chunked(
    library: Library, files: Sequence[int]
) -> Iterable[tuple[int, bytes, int | None, str | None]]:
    for start in range(0, len(files), 500):
        yield from files_at(library, files[start : start + 500])
