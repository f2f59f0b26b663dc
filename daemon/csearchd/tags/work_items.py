"""What the tagger is told about each file: its tags, the ledger's entry, how to recognise it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from csearch.protocol.wire import Message
from csearchd.formats.suffixes import is_raw
from csearchd.library.library import Library
from csearchd.library.roots import roots
from csearchd.models.active_model import ActiveModel
from csearchd.tags import ledger
from csearchd.tags.ledger import Entry
from csearchd.tags.locations import (
    TagLocation,
    TimedCall,
    entries_at,
    files_at,
    watched_root_of,
)
from csearchd.tags.plan import DAMAGED
from csearchd.tags.tag_scorer import TagScorer
from csearchd.tags.tasks import Task, WorkItem

_BATCH = 48  # items that the tagger gets at a time
_BATCH_BYTES = 8 << 20


def next_items(
    library: Library,
    task: Task,
    active_model: ActiveModel,
    scorer: TagScorer,
    root: str,
    timed_call: TimedCall,
) -> list[WorkItem]:
    """Takes the next files of a task, at most _BATCH; those that can't be tagged are counted.

    `root` is the configuration's tags.root. Raises TagsError, LibraryError.
    """
    if task.kind not in ("write", "give"):
        return _undo_items(library, task)
    items: list[WorkItem] = []
    while not task.is_empty and not items:
        files = [task.files.popleft() for _ in range(min(_BATCH, len(task.files)))]
        if task.kind == "give":
            items = _give_items(library, task, files, root, timed_call)
            continue
        items = _write_items(library, task, files, active_model, scorer, root, timed_call)
    return items


def _write_items(
    library: Library,
    task: Task,
    files: list[int],
    active_model: ActiveModel,
    scorer: TagScorer,
    root: str,
    timed_call: TimedCall,
) -> list[WorkItem]:
    before = _snapshots(library, files)
    tags = scorer.tags(active_model, files)
    edition = scorer.edition(active_model)
    snapshots = _snapshots(library, files)
    found = files_at(library, files)
    paths = {file: path for file, path, _, _ in found}
    entries, _, unanswered = entries_at(library, paths, timed_call)
    removed = _removed_by_user(entries.values())
    watched = roots(library)
    items = []
    task.done += len(files) - len(found)
    for file, path, content, failure in found:
        carrier = "sidecar" if task.mode == "embedded" and is_raw(path) else task.mode
        entry = entries.get((file, carrier))
        snapshot, reason = snapshots.get(file), None
        if failure:
            reason = f"it can't be read: {failure}"
        elif file in unanswered:
            reason = "its file system doesn't answer"
        elif file in tags and (
            snapshot is None or snapshot.due or not snapshot.shows_the_same(before.get(file))
        ):
            reason = "it has changed, and was not read since"
        elif snapshot and snapshot.incomplete and carrier == "embedded":
            reason = "it is truncated or damaged"
        elif file in tags and entry and entry.damaged:
            reason = DAMAGED
        if reason or file not in tags or snapshot is None:
            task.done += 1
            task.left += [(path, reason)] if reason else []
            continue
        location = TagLocation(file, path, carrier, entry.row if entry else None)
        message = {
            **_message("write", location, entry),
            "words": [word for word, _ in tags[file] if word not in removed[file]],
            "root": root,
            "model": active_model.model.name,
            "top": watched_root_of(path, watched),
            "scored": snapshot.message(snapshot.content),
        }
        visit = task.mode, content, edition
        items.append(WorkItem(task, message, location, visit, snapshot.content))
    return items


def _give_items(
    library: Library, task: Task, files: list[int], root: str, timed_call: TimedCall
) -> list[WorkItem]:
    snapshots = _snapshots(library, files)
    found = files_at(library, files)
    paths = {file: path for file, path, _, _ in found}
    entries, _, unanswered = entries_at(library, paths, timed_call)
    watched = roots(library)
    items = []
    task.done += len(files) - len(found)
    for file, path, _content, _failure in found:
        carrier = "sidecar" if task.mode == "embedded" and is_raw(path) else task.mode
        entry, snapshot, reason = entries.get((file, carrier)), snapshots.get(file), None
        if file in unanswered:
            reason = "its file system doesn't answer"
        elif snapshot is None or snapshot.content is None:
            reason = "it was not read"
        elif snapshot.incomplete and carrier == "embedded":
            reason = "it is truncated or damaged"
        elif entry and entry.damaged:
            reason = DAMAGED
        if reason or snapshot is None:
            task.done += 1
            task.left += [(path, reason)] if reason else []
            continue
        location = TagLocation(file, path, carrier, entry.row if entry else None)
        message = {
            **_message("give", location, entry),
            "add": task.add,
            "take": task.take,
            "root": root,
            "top": watched_root_of(path, watched),
            "scored": snapshot.message(snapshot.content),
        }
        items.append(WorkItem(task, message, location, None, snapshot.content))
    return items


def _undo_items(library: Library, task: Task) -> list[WorkItem]:
    chosen: list[tuple[TagLocation, Entry | None]] = []
    size = 0
    while task.locations and len(chosen) < _BATCH and size < _BATCH_BYTES:
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
    snapshots, watched = _snapshots(library, files), roots(library)
    items = []
    for location, entry in chosen:
        snapshot = snapshots.get(location.file or 0, _UNKNOWN)
        message = {
            **_message(task.kind, location, entry),
            "top": watched_root_of(location.path, watched),
            "scored": snapshot.message(entry.content if entry else None),
        }
        items.append(WorkItem(task, message, location, None))
    return items


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


def _removed_by_user(entries: Iterable[Entry]) -> dict[int | None, set[str]]:
    """By file: the tags that the user has removed, whatever carrier held them."""
    removed: dict[int | None, set[str]] = defaultdict(set)
    for entry in entries:
        removed[entry.file].update(entry.record["removed"] if entry.record else ())
    return removed


class _Snapshot(NamedTuple):
    """What the library has read of a file. `due`: it must be read again."""

    due: bool
    stat: list[int]  # size, mtime_ns, ctime_ns, inode
    orientation: int | None
    content: tuple[int, bytes] | None  # scheme, identity
    incomplete: bool = False  # its file lacks a part of the picture

    def shows_the_same(self, other: _Snapshot | None) -> bool:
        return other is not None and self.content == other.content

    def message(self, content: tuple[int, bytes] | None) -> Message | None:
        """What lets the tagger check that a file is still the one `content` was read from."""
        if content is None:
            return None
        current = not self.due and content == self.content
        return {
            "stat": self.stat if current else None,
            "scheme": content[0],
            "identity": content[1],
            "orientation": self.orientation,
        }


_UNKNOWN = _Snapshot(True, [], None, None)


def _snapshots(library: Library, files: Sequence[int]) -> dict[int, _Snapshot]:
    marks = ",".join("?" * len(files))
    with library.read() as database:
        rows = database.execute(
            "SELECT f.id, f.due, f.size, f.mtime_ns, f.ctime_ns, f.inode, m.orientation, "
            "c.scheme, c.identity, c.incomplete FROM files f "
            "LEFT JOIN contents c ON c.id = f.content "
            f"LEFT JOIN metadata m ON m.file = f.id WHERE f.id IN ({marks})",
            files,
        )
        return {
            row[0]: _Snapshot(
                bool(row[1]),
                list(row[2:6]),
                row[6],
                row[7:9] if row[8] else None,
                bool(row[9]),
            )
            for row in rows
        }
