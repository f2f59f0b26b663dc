"""The kernel's events (inotify(7)) as they are needed here: names are bytes, moves are paired."""

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
SELF_EVENTS: int = IN_SELF | _DIRECTORY | flags.MASK_ADD  # added: all may be watched already
EVENTS: int = (
    IN_SELF | _DIRECTORY | flags.EXCL_UNLINK | IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB
    | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO
)  # fmt: skip

_PAIR_SECONDS = 0.1  # the halves of a move are queued together, but not at once


class Event(NamedTuple):
    watch: int
    mask: int
    name: bytes
    """What happened to it; b"" for the watched directory itself."""
    moved_to: tuple[int, bytes] | None = None
    """The other half of a move, in place of an event of its own: watch and name."""
    exchanged: bool = False
    """What was there came here (RENAME_EXCHANGE), and has no event of its own."""


class Inotify:
    """One queue of events. Raises OSError where the kernel has no more to give."""

    def __init__(self) -> None:
        self._inotify = INotify(nonblocking=True)
        self._poller = select.poll()
        self._poller.register(self._inotify.fileno(), select.POLLIN)

    def fileno(self) -> int:
        return int(self._inotify.fileno())

    def add(self, path: bytes, mask: int) -> int:
        """Watches the directory at `path`. Returns the watch: the same for the same directory."""
        return int(self._inotify.add_watch(path, mask))

    def remove(self, watch: int) -> None:
        try:
            self._inotify.rm_watch(watch)
        except OSError:
            pass  # the kernel has removed it already, with its directory

    def read(self) -> list[Event]:
        """What has happened. Waits only for the second half of a move."""
        raw = self._inotify.read(timeout=0)
        deadline = time.monotonic() + _PAIR_SECONDS
        while _open_moves(raw) and (left := deadline - time.monotonic()) > 0:
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
    """Two moves, one straight after the other and back, become one."""
    joined: list[Event] = []
    last: int | None = None  # where the latest move is in `joined`
    for event in events:
        if event.moved_to is not None and last is not None and _back(joined[last], event):
            joined[last] = joined[last]._replace(exchanged=True)
            last = None
            continue
        if event.moved_to is not None:
            last = len(joined)
        elif not event.mask & IN_SELF:
            last = None
        joined.append(event)
    return joined


def _back(there: Event, back: Event) -> bool:
    ends = (there.watch, there.name), (back.watch, back.name)
    same = there.mask & IN_DIRECTORY == back.mask & IN_DIRECTORY
    return same and (back.moved_to, there.moved_to) == ends


def _open_moves(raw: list[tuple[int, int, int, str]]) -> bool:
    departed = {cookie for _, mask, cookie, _ in raw if mask & IN_MOVED_FROM}
    return bool(departed - {cookie for _, mask, cookie, _ in raw if mask & IN_MOVED_TO})
