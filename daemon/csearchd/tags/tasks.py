"""Tasks of the tagger, and the work items that they are handed out as."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from csearch.protocol.wire import Message
from csearchd.tags.locations import TagLocation


@dataclass
class Task:
    """Files to tag, or places to take tags back from.

    A task is finished when `files` and `locations` are empty, or it is cancelled, and the tagger
    has no item of it any more.
    """

    # "write", "give" and "undo" say what they do; "settle" finds out what a killed tagger has
    # written.
    kind: str
    mode: str = ""
    add: tuple[str, ...] = ()  # words that the user chose, to give
    take: tuple[str, ...] = ()  # and those to take back
    files: deque[int] = field(default_factory=deque)
    locations: deque[TagLocation] = field(default_factory=deque)
    total: int = 0
    done: int = 0
    written: set[bytes | int] = field(default_factory=set)  # pictures: their ids, or else paths
    left: list[tuple[bytes, str]] = field(default_factory=list)  # skipped: paths and reasons
    rows_left: set[int] = field(default_factory=set)  # of the ledger, for those in `left`
    changed_rows: set[int] = field(default_factory=set)  # whose path has another picture now
    changed: set[bytes] = field(default_factory=set)  # directories in which files were written
    error: str | None = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def write(cls, mode: str, files: Sequence[int]) -> Task:
        return cls("write", mode, files=deque(files), total=len(files))

    @classmethod
    def give(cls, mode: str, files: Sequence[int], add: Sequence[str], take: Sequence[str]) -> Task:
        task = cls("give", mode, tuple(add), tuple(take), deque(files))
        task.total = len(files)
        return task

    @classmethod
    def undo(cls, locations: Sequence[TagLocation]) -> Task:
        return cls("undo", "", locations=deque(locations), total=len(locations))

    @classmethod
    def settle(cls, locations: Sequence[TagLocation]) -> Task:
        return cls("settle", "", locations=deque(locations), total=len(locations))

    @property
    def is_empty(self) -> bool:
        """Whether no items are left to hand out."""
        return self.cancelled.is_set() or not (self.files or self.locations)

    def cancel(self) -> None:
        """Hands out no more items."""
        self.cancelled.set()


@dataclass(frozen=True)
class WorkItem:
    """A file that the tagger has been told to work on."""

    task: Task
    message: Message  # as sent to the tagger (csearchd.requests.tagger)
    location: TagLocation
    visit: tuple[str, int | None, str] | None  # what to note for the file once it is done
    content: tuple[int, bytes] | None = None  # scheme and identity of the picture to be tagged

    def give_back(self) -> None:
        """Returns the file to its task, unless that is cancelled."""
        if self.task.cancelled.is_set():
            return
        if self.task.kind not in ("write", "give"):
            self.task.locations.append(self.location)
        elif self.location.file is not None:
            self.task.files.append(self.location.file)
