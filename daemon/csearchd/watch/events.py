"""What follows from the kernel's events: listings, scans, and moves that need neither."""

from __future__ import annotations

import time
from collections.abc import Callable

from csearchd.formats.suffixes import is_raw, is_sidecar
from csearchd.library.library import Library
from csearchd.library.moves import carry_ledger, move_directory, move_file, swap
from csearchd.watch.debounce import REST_SECONDS, Debounce
from csearchd.watch.hard_links import Links
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
from csearchd.watch.rules import CACHEDIR_TAG, NOSEARCH, Rules
from csearchd.watch.watches import Node, Watches


class EventHandler:
    """Handles events one by one, in their order; used by the scanning thread alone."""

    def __init__(
        self,
        library: Library,
        rules: Rules,
        watches: Watches,
        listing_queue: ListingQueue,
        debounce: Debounce,
        links: Links,
        scan: Callable[[bytes], object],
        scans: Callable[[bytes], bool],
    ) -> None:
        """`scan` asks for a directory and all below it; `scans`: whether that is under way."""
        self.rules = rules
        self._library = library
        self._watches = watches
        self._listing_queue = listing_queue
        self._debounce = debounce
        self._links = links
        self._scan = scan
        self._scans = scans

    def handle(self, event: Event) -> bool:
        """Returns whether anything was moved in the library. Raises LibraryError."""
        if event.mask & IN_SELF and (above := self._watches.above(event.watch)):
            self._scan_roots(above)
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
        mask, name = event.mask, event.name
        if mask & (IN_GONE | IN_SELF):
            if mask & IN_GONE:
                self._watches.unwatch(node)
            if node.is_root:
                self._scan_roots(node)
            elif mask & IN_GONE and node.parent is not None:
                self._listing_queue.list_soon(node.parent)
        elif not name:
            self._listing_queue.list_soon(node)
        elif mask & (IN_CREATE | IN_MOVED_TO) and mask & IN_DIRECTORY:
            self._arrived(node, name, mask)
        elif mask & IN_DIRECTORY:
            self._directory(node, name, mask)
        elif name in (NOSEARCH, CACHEDIR_TAG):
            self._listing_queue.list_soon(node)
        elif self.rules.takes(name) or is_sidecar(name):
            self._file(node, name, mask)

    def _arrived(self, node: Node, name: bytes, mask: int) -> None:
        """Something is at a name now that wasn't there."""
        if not mask & IN_DIRECTORY:
            self._change(node, Event(0, IN_MOVED_TO, name))
        elif self.rules.enters(name) and not node.marked:
            self._listing_queue.list_soon(node)
            child = node.children.get(name)
            if child is None or child.watch is None:
                self._scan(join(node.path, name))

    def _directory(self, node: Node, name: bytes, mask: int) -> None:
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
        for below in node.below():
            if below.is_root:
                self._scan(below.path)

    def _file(self, node: Node, name: bytes, mask: int) -> None:
        path = node.path
        if mask & (IN_CREATE | IN_MODIFY):
            held = self._debounce.hold(path, name, time.monotonic() + REST_SECONDS)
            if held or is_sidecar(name):
                return  # the listing comes when it is closed, or rests
        elif mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM):
            self._debounce.mark_complete(path, name, time.monotonic())
        if mask & (IN_CLOSE_WRITE | IN_ATTRIB):
            self._links.note(join(path, name))
        self._listing_queue.list_soon(node)

    def _move(self, event: Event, source: Node, target: Node, name: bytes) -> bool:
        """A move whose halves are both known. Returns whether the library has it."""
        old, new = join(source.path, event.name), join(target.path, name)
        directory = event.mask & IN_DIRECTORY
        matters = self.rules.enters if directory else self.rules.takes
        if not matters(event.name) or not matters(name) or target.marked:
            carry_ledger(self._library, old, new)  # of tags, which can be taken back there too
            self._change(source, Event(0, IN_MOVED_FROM | directory, event.name))
            self._change(target, Event(0, IN_MOVED_TO | directory, name))
            return False
        if not directory:
            same = is_raw(old) == is_raw(new)  # else it is decoded in another way
            moved = same and move_file(self._library, old, new)
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
        whole = child is not None and all(n.watch is not None for n in child.below())
        if not moved or not whole or self._scans(old):
            self._scan(new)
        if replaced is not None:  # only an empty one can be, unless they are exchanged
            self._scan(old)
        self._listing_queue.list_soon(source)
        self._listing_queue.list_soon(target)
        return moved

    def _swap(self, event: Event, source: Node, target: Node, name: bytes) -> bool:
        """Two took each other's place. Returns whether the library has it."""
        old, new = join(source.path, event.name), join(target.path, name)
        directory = event.mask & IN_DIRECTORY
        same = bool(directory) or is_raw(old) == is_raw(new)  # as in a move
        swapped = same and swap(self._library, old, new, bool(directory))
        one, other = source.children.get(event.name), target.children.get(name)
        if swapped and one is not None and other is not None:
            self._watches.swap(one, other)
            self._debounce.swap(old, new)
            whole = not self._scans(old) and not self._scans(new)
        else:
            whole = False
            for node, gone in ((source, event.name), (target, name)):
                self._change(node, Event(0, IN_MOVED_FROM | directory, gone))
        if directory and not whole:
            self._scan(old)
            self._scan(new)
        for node, place in ((source, event.name), (target, name)):
            self._listing_queue.list_soon(node)
            if directory and (child := node.children.get(place)):
                self._listing_queue.list_soon(child)  # and its watch is checked
        return swapped


def join(directory: bytes, name: bytes) -> bytes:
    return directory.rstrip(b"/") + b"/" + name
