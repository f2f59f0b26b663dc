"""Reads the kernel's events (inotify(7)), with names as bytes, and pairs the halves of moves."""

from __future__ import annotations

import os
import select
import time
from typing import NamedTuple

from inotify_simple import INotify, flags

IN_DIRECTORY: int = flags.ISDIR
IN_CREATE: int = flags.CREATE
IN_DELETE: int = flags.DELETE
IN_MODIFY: int = flags.MODIFY
IN_ATTRIB: int = flags.ATTRIB
IN_CLOSE_WRITE: int = flags.CLOSE_WRITE
IN_MOVED_FROM: int = flags.MOVED_FROM
IN_MOVED_TO: int = flags.MOVED_TO
IN_SELF: int = flags.DELETE_SELF | flags.MOVE_SELF
IN_GONE: int = flags.IGNORED | flags.UNMOUNT
IN_OVERFLOW: int = flags.Q_OVERFLOW

_DIRECTORY: int = flags.ONLYDIR | flags.DONT_FOLLOW
SELF_EVENTS: int = (
    IN_SELF | _DIRECTORY | flags.MASK_ADD
)  # MASK_ADD keeps the events that are watched already
EVENTS: int = (
    IN_SELF | _DIRECTORY | flags.EXCL_UNLINK | IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB
    | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO
)  # fmt: skip
CONTENT_EVENTS: int = (
    IN_SELF | _DIRECTORY | flags.MASK_ADD | flags.EXCL_UNLINK | IN_CREATE | IN_DELETE
    | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO
)  # fmt: skip

_PAIR_SECONDS = 0.1  # to wait for the second half of a move, which is queued a moment later


class Event(NamedTuple):
    """An event of inotify, or both halves of a move."""

    watch: int
    mask: int
    name: bytes  # in the watched directory; b"" for the directory itself
    moved_to: tuple[int, bytes] | None = None  # of a move: the target's watch and name
    exchanged: bool = False  # the target was moved to `name` at once (RENAME_EXCHANGE)


class Inotify:
    """An inotify instance: a queue of events of the watched directories."""

    def __init__(self) -> None:
        """Raises OSError if the user has too many instances."""
        self._inotify = INotify(nonblocking=True)
        self._poller = select.poll()
        self._poller.register(self._inotify.fileno(), select.POLLIN)

    def fileno(self) -> int:
        return int(self._inotify.fileno())

    def add(self, path: bytes, mask: int) -> int:
        """Watches the directory at `path` for the events in `mask`. Returns the watch descriptor,
        which is the same for the same directory. Raises OSError."""
        return int(self._inotify.add_watch(path, mask))

    def remove(self, watch: int) -> None:
        """Stops watching."""
        try:
            self._inotify.rm_watch(watch)
        except OSError:
            pass  # the kernel has removed it already, with its directory

    def read(self) -> list[Event]:
        """The events since the last call. Waits only for the second half of a move."""
        raw = self._inotify.read(timeout=0)
        deadline = time.monotonic() + _PAIR_SECONDS
        while _has_open_moves(raw) and (left := deadline - time.monotonic()) > 0:
            self._poller.poll(left * 1000)
            raw += self._inotify.read(timeout=0)
        halves = {e.cookie: e for e in raw if e.mask & IN_MOVED_TO}
        departed = {e.cookie for e in raw if e.mask & IN_MOVED_FROM}
        events = []
        for event in raw:
            name = os.fsencode(event.name)
            if event.mask & IN_MOVED_TO and event.cookie in departed:
                continue
            half = halves.get(event.cookie) if event.mask & IN_MOVED_FROM else None
            to = (half.wd, os.fsencode(half.name)) if half else None
            events.append(Event(event.wd, event.mask, name, to))
        return _join_exchanges(events)


def _join_exchanges(events: list[Event]) -> list[Event]:
    """Combines each move that is followed by the reverse move to one exchange."""
    joined: list[Event] = []
    last: int | None = None  # where the latest move is in `joined`
    for event in events:
        if event.moved_to is not None and last is not None and _is_reverse(joined[last], event):
            joined[last] = joined[last]._replace(exchanged=True)
            last = None
            continue
        if event.moved_to is not None:
            last = len(joined)
        elif not event.mask & IN_SELF:
            last = None
        joined.append(event)
    return joined


def _is_reverse(move: Event, other: Event) -> bool:
    sources = (move.watch, move.name), (other.watch, other.name)
    same_kind = move.mask & IN_DIRECTORY == other.mask & IN_DIRECTORY
    return same_kind and (other.moved_to, move.moved_to) == sources


def _has_open_moves(raw: list[tuple[int, int, int, str]]) -> bool:
    departed = {cookie for _, mask, cookie, _ in raw if mask & IN_MOVED_FROM}
    return bool(departed - {cookie for _, mask, cookie, _ in raw if mask & IN_MOVED_TO})
