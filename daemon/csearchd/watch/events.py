"""Handles the kernel's events: a move is applied to the library, all else leads to listings or
scans."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from csearchd.formats.suffixes import is_raw
from csearchd.library.library import Library
from csearchd.library.moves import carry_ledger, move_directory, move_file, swap
from csearchd.metadata.dates.file_names import from_name
from csearchd.watch.annex.content_watches import ContentWatches
from csearchd.watch.debounce import QUIET_SECONDS, Debounce
from csearchd.watch.directory_listing import may_describe_picture
from csearchd.watch.exclusion.ignore_files import IGNORE_FILE
from csearchd.watch.exclusion.marks import MARKS
from csearchd.watch.hard_links import HardLinks
from csearchd.watch.inotify import (
    IN_ATTRIB,
    IN_CLOSE_WRITE,
    IN_CREATE,
    IN_DELETE,
    IN_DIRECTORY,
    IN_GONE,
    IN_MODIFY,
    IN_MOVED_FROM,
    IN_MOVED_TO,
    IN_SELF,
    Event,
)
from csearchd.watch.listing_queue import ListingQueue
from csearchd.watch.rules import Rules
from csearchd.watch.watches import Node, Watches


class EventHandler:
    """Handles events one by one, in their order. Only the scanning thread uses it."""

    def __init__(
        self,
        library: Library,
        rules: Rules,
        watches: Watches,
        listing_queue: ListingQueue,
        debounce: Debounce,
        links: HardLinks,
        contents: ContentWatches,
        marks_changed: Callable[[bytes], object],
        scan: Callable[[bytes], object],
        is_scanning: Callable[[bytes], bool],
    ) -> None:
        """`marks_changed` is called with a directory in which what excludes others has changed.
        `scan` requests a scan of the directory at a path; `is_scanning` tells whether a scan of
        it, or of one above or below it, is under way."""
        self.rules = rules
        self._library = library
        self._watches = watches
        self._listing_queue = listing_queue
        self._debounce = debounce
        self._links = links
        self._contents = contents
        self._marks_changed = marks_changed
        self._scan = scan
        self._is_scanning = is_scanning

    def handle(self, event: Event) -> bool:
        """Handles one event. Returns whether it moved anything in the library. Raises
        LibraryError."""
        if event.mask & IN_SELF and (above := self._watches.above(event.watch)):
            self._scan_roots(above)
        for node in self._contents.nodes(event.watch):
            self._listing_queue.list_soon(node)
        if event.mask & IN_GONE:
            self._contents.gone(event.watch)
        nodes = self._watches.nodes(event.watch)
        if event.moved_to is not None:
            targets = self._watches.nodes(event.moved_to[0])
            if len(nodes) == len(targets) == 1:
                move = self._swap if event.exchanged else self._move
                return move(event, nodes[0], targets[0], event.moved_to[1])
            if event.exchanged:
                back = Event(
                    event.moved_to[0], event.mask, event.moved_to[1], (event.watch, event.name)
                )
                self.handle(event._replace(exchanged=False))
                return self.handle(back)
            for target in targets:
                self._arrived(target, event.moved_to[1], event.mask)
        for node in nodes:
            self._change(node, event)
        return False

    def _change(self, node: Node, event: Event) -> None:
        """Handles an event other than a move with two known halves."""
        mask, name = event.mask, event.name
        if mask & (IN_GONE | IN_SELF):
            if mask & IN_GONE:
                self._watches.unwatch(node)
            if node.is_root:
                self._scan_roots(node)
            elif node.parent is not None and node.parent.watch is None:
                self._scan(node.path)  # it was asked for deep inside an excluded directory
            elif mask & IN_GONE and node.parent is not None:
                self._listing_queue.list_soon(node.parent)
        elif not name:
            self._listing_queue.list_soon(node)
        elif mask & (IN_CREATE | IN_MOVED_TO) and mask & IN_DIRECTORY:
            self._arrived(node, name, mask)
        elif mask & IN_DIRECTORY:
            self._directory(node, name, mask)
        elif name in MARKS:
            self._marks_changed(node.path)
            self._listing_queue.list_soon(node)
        elif name == IGNORE_FILE:
            self._marks_changed(node.path)
            if mask & IN_MODIFY:
                self._listing_queue.scan_in(node.path, QUIET_SECONDS)
            else:
                self._scan(node.path)
        elif self.rules.takes(name) or may_describe_picture(name):
            self._file(node, name, mask)

    def _arrived(self, node: Node, name: bytes, mask: int) -> None:
        """Handles a file or directory that was created at, or moved to, `name`."""
        if not mask & IN_DIRECTORY:
            self._change(node, Event(0, IN_MOVED_TO, name))
        elif self.rules.enters(name) and not node.marked:
            self._listing_queue.list_soon(node)
            child = node.children.get(name)
            if child is None or child.watch is None:
                self._scan(join(node.path, name))

    def _directory(self, node: Node, name: bytes, mask: int) -> None:
        """Handles a change of the subdirectory `name`."""
        child = node.children.get(name)
        if mask & (IN_DELETE | IN_MOVED_FROM):
            if child is not None:
                self._scan_roots(child)
                self._watches.drop(child)
                self._debounce.forget(join(node.path, name))
            self._listing_queue.list_soon(node)
        elif mask & IN_ATTRIB and self.rules.enters(name) and not node.marked:
            if child is None or child.watch is None:
                self._scan(join(node.path, name))
            else:
                self._listing_queue.list_soon(child)

    def _scan_roots(self, node: Node) -> None:
        """Requests scans of the roots at and below a node."""
        for below in node.below():
            if below.is_root:
                self._scan(below.path)

    def _file(self, node: Node, name: bytes, mask: int) -> None:
        """Handles a change of the picture or sidecar `name`."""
        path = node.path
        if mask & (IN_CREATE | IN_MODIFY):
            held = self._debounce.hold(path, name, time.monotonic() + QUIET_SECONDS)
            if held or may_describe_picture(name):
                return  # it is listed once it is closed or unchanged for a while
        elif mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM):
            self._debounce.mark_complete(path, name, time.monotonic())
        if mask & (IN_CLOSE_WRITE | IN_ATTRIB):
            self._links.note(join(path, name))
        self._listing_queue.list_soon(node)

    def _move(self, event: Event, source: Node, target: Node, name: bytes) -> bool:
        """Handles a move from and to watched directories. Returns whether the library was
        updated."""
        old, new = join(source.path, event.name), join(target.path, name)
        directory = event.mask & IN_DIRECTORY
        is_relevant = self.rules.enters if directory else self.rules.takes
        if not is_relevant(event.name) or not is_relevant(name) or target.marked:
            carry_ledger(self._library, old, new)  # so that tags can be undone there too
            self._change(source, Event(0, IN_MOVED_FROM | directory, event.name))
            self._change(target, Event(0, IN_MOVED_TO | directory, name))
            return False
        if not directory:
            same = is_raw(old) == is_raw(new)  # else it must be decoded differently
            moved = same and move_file(self._library, old, new, _dates_differ(old, new))
            self._change(source, Event(0, IN_MOVED_FROM, event.name))
            self._change(target, Event(0, IN_MOVED_TO, name))
            return moved
        child, replaced = source.children.get(event.name), target.children.get(name)
        moved = move_directory(self._library, old, new)
        if child is not None:
            if moved:
                self._watches.move(child, target, name)
                self._debounce.move(old, new)
            else:
                self._directory(source, event.name, IN_MOVED_FROM)
        all_watched = child is not None and all(n.watch is not None for n in child.below())
        bound = child is not None and self._is_bound(child, source, target)
        if not moved or not all_watched or bound or self._is_scanning(old):
            self._scan(new)
        elif child is not None:
            self._listing_queue.list_soon(child)  # its new name may exclude what is in it
        if replaced is not None:  # it was empty, unless the two were exchanged
            self._scan(old)
        self._listing_queue.list_soon(source)
        self._listing_queue.list_soon(target)
        return moved

    def _is_bound(self, moved: Node, *parents: Node) -> bool:
        """Whether what is read below a directory that was moved depends on where it is."""
        return (
            self.rules.depend_on_paths
            or any(parent.is_ignoring() for parent in parents)
            or any(self._contents.has_links(node) for node in moved.below())
        )

    def _swap(self, event: Event, source: Node, target: Node, name: bytes) -> bool:
        """Handles an exchange of two files or directories. Returns whether the library was
        updated."""
        old, new = join(source.path, event.name), join(target.path, name)
        directory = event.mask & IN_DIRECTORY
        same = bool(directory) or is_raw(old) == is_raw(new)  # as in a move
        read_again = not directory and _dates_differ(old, new)
        swapped = same and swap(self._library, old, new, bool(directory), read_again)
        one, other = source.children.get(event.name), target.children.get(name)
        if swapped and one is not None and other is not None:
            self._watches.swap(one, other)
            self._debounce.swap(old, new)
            bound = any(self._is_bound(moved, source, target) for moved in (one, other))
            done = not bound and not self._is_scanning(old) and not self._is_scanning(new)
        else:
            done = False
            for node, removed in ((source, event.name), (target, name)):
                self._change(node, Event(0, IN_MOVED_FROM | directory, removed))
        if directory and not done:
            self._scan(old)
            self._scan(new)
        for node, place in ((source, event.name), (target, name)):
            self._listing_queue.list_soon(node)
            if directory and (child := node.children.get(place)):
                self._listing_queue.list_soon(child)  # which also checks its watch
        return swapped


def _dates_differ(one: bytes, other: bytes) -> bool:
    """Whether the names of two pictures' files give different dates, or only one of them does."""
    return from_name(os.path.basename(one)) != from_name(os.path.basename(other))


def join(directory: bytes, name: bytes) -> bytes:
    """The path of `name` in `directory`."""
    return directory.rstrip(b"/") + b"/" + name
