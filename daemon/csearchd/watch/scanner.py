"""The scanning thread: brings the library to the state of the disk, one directory at a time."""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections.abc import Callable, Collection

from csearchd.concurrency.supervisor import Backoff, Supervisor
from csearchd.errors import LibraryError
from csearchd.library import listings, roots
from csearchd.library.library import Library
from csearchd.library.listings import Listing
from csearchd.library.roots import is_below
from csearchd.reasons import Reason
from csearchd.reasons import service as reasons
from csearchd.watch.debounce import Debounce
from csearchd.watch.rules import Rules
from csearchd.watch.watcher import Watcher
from csearchd.watch.watches import Node

log = logging.getLogger(__name__)

_FRESH = 2.0  # seconds after which what was asked for again is done again
_TROUBLE = 5.0  # seconds before the next try when the library can't be written
_TRIES = 3  # listings of a directory in which things move while it is listed
_MOST_FAILURES = 10  # errors that nobody thought of, in a scan, until it is given up


class Scan:
    """One scan, of a directory and all below it."""

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.asked = time.monotonic()  # the last time, by somebody who waits or might
        self.done = threading.Event()
        self.left = [path]  # directories still to be listed, the next one last
        self.found = 0  # pictures listed so far
        self.begun = False
        self.again = False  # it was asked for again when directories had been listed already
        self.changed = False  # something in it had
        self.cost = 0.0  # seconds it has taken so far
        self.failures = 0  # directories that it couldn't compare, for an error of ours

    def start_over(self) -> None:
        self.left, self.found, self.failures = [self.path], 0, 0
        self.begun = self.again = False


class Scanner:
    """Scans what it is asked to, the latest request first, so that a user who waits goes first."""

    def __init__(
        self,
        library: Library,
        rules: Rules,
        debounce: Debounce,
        changed: Callable[[], None],
        remounted: Callable[[], None],
        supervisor: Supervisor,
    ) -> None:
        """`changed` is called when there may be new work for the encoder, `remounted` when much
        has gone or come with its disk."""
        self.watcher = Watcher(
            library, rules, debounce, self._scan, self._touches, changed, self._event_failed
        )
        self.last_error: Reason | None = None  # why nothing is scanned, while that is so
        self._supervisor = supervisor
        self._library = library
        self._changed = changed
        self._remounted = remounted
        self._lock = threading.Lock()
        self._scans: dict[bytes, Scan] = {}  # by path, the next one last
        self._looks: list[bytes] = []
        # Scanned or listed lately: by path, monotonic seconds, oldest first.
        self._refreshed: dict[bytes, float] = {}
        self._complete: set[bytes] = set()  # roots that were scanned since they were ones
        self._roots_asked = 0.0  # when `roots_changed` was called last
        self._missed: set[bytes] = set()  # roots of which an error has hidden something
        self._missed_again = 0.0  # when those are to be scanned
        self._backoff = Backoff()
        self._roots_or_mounts_changed = threading.Event()  # roots or mounts have changed
        self._roots_or_mounts_changed.set()
        self._stopped = threading.Event()
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = supervisor.thread("scanning", self._run)

    def start(self) -> None:
        """Before anything is scanned, disks that are away are noticed. Raises LibraryError."""
        self._reconcile_roots_and_mounts()
        self._thread.start()

    def stop(self, timeout: float) -> None:
        self._stopped.set()
        self._wake()
        self._thread.join(timeout)

    @property
    def rules(self) -> Rules:
        return self.watcher.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self.watcher.rules = rules

    def scan(self, path: bytes, again: bool = True) -> Scan:
        """Scans the directory at `path` next.

        Joins a scan of it that isn't finished; that begins once more at its end, unless not
        `again`, since what has changed may be where it has been already.
        """
        scan = self._scan(path, again)
        scan.asked = time.monotonic()
        return scan

    def _scan(self, path: bytes, again: bool = True) -> Scan:
        """As `scan`, for what nobody asked for."""
        with self._lock:
            scan = self._scans.pop(path, None) or Scan(path)
            scan.again |= scan.begun and again
            self._scans[path] = scan
        self._wake()
        return scan

    def list_soon(self, path: bytes) -> None:
        """Lists a directory that is known: it alone if it is watched, else all below it too."""
        with self._lock:
            self._looks.append(path)
        self._wake()

    def refresh(self, path: bytes, missing: bool = False) -> None:
        """Scans `path`, or only lists it if it is watched, unless that was done a moment ago.

        `missing`: something should be there and isn't: if it is watched, it is listed anyway.
        """
        root = self.watcher.covering(path)
        with self._lock:
            before = self._refreshed.get(path)
            fresh = before is not None and time.monotonic() - before <= _FRESH
            watched = root in self._complete
            if watched and not fresh:
                self._note_refreshed(path)
        if watched and (missing or not fresh):
            self.list_soon(path)
        elif not watched and not fresh:
            self.scan(path, again=False)

    def roots_changed(self) -> None:
        """The library has other roots now; they are watched from now on."""
        self._roots_asked = time.monotonic()
        self._roots_or_mounts_changed.set()
        self._wake()

    @property
    def scanning(self) -> list[bytes]:
        with self._lock:
            scans = list(self._scans)
        return list(dict.fromkeys([*scans, *self.watcher.pending]))

    @property
    def incomplete_reason(self) -> Reason | None:
        """Says that something below the roots isn't known, while that is so."""
        if not self._missed:
            return None
        return reasons.MAYBE_INCOMPLETE(reason=reasons.UNEXPECTED())

    @property
    def complete(self) -> bool:
        """Whether all that is below the roots has been listed, and nothing is to be."""
        if self._roots_or_mounts_changed.is_set() or self.scanning:
            return False
        with self._lock:
            return self._complete.issuperset(self.watcher.roots)

    def _touches(self, path: bytes) -> bool:
        """Whether a scan is under way that comes to `path`, or to something below it."""
        with self._lock:
            return any(
                is_below(path, scanned) or is_below(scanned, path) for scanned in self._scans
            )

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"\0")
        except BlockingIOError:
            pass

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if not self._turn():
                    self._wait(self._timeout())
                self.last_error = None
            except LibraryError as error:
                if self.last_error is None:
                    log.error("%s", error)
                self.last_error = error.reason
                self._start_again()
                self._stopped.wait(_TROUBLE)
            except Exception:  # the supervisor begins again after a while
                self.last_error = reasons.NOT_FOLLOWED(reason=reasons.UNEXPECTED())
                self._miss(self.watcher.roots)
                raise

    def _turn(self) -> bool:
        """Lists a directory for an event and one for a scan. Returns whether there was any."""
        if self._roots_or_mounts_changed.is_set():
            self._reconcile_roots_and_mounts()
        self.watcher.catch_up()
        self.watcher.look_around()
        self._make_up()
        while (path := self._next_look()) is not None:
            if not self.watcher.list_soon(path) and self._library.tree.find(path) is not None:
                self._scan(path)
        node = self.watcher.next_listing()
        if node:
            self._list_node(node)
        with self._lock:
            scan = next(reversed(self._scans.values()), None)
        if scan and self._try_step(scan):
            self._finish(scan)
        return node is not None or scan is not None

    def _next_look(self) -> bytes | None:
        with self._lock:
            return self._looks.pop(0) if self._looks else None

    def _list_node(self, node: Node) -> None:
        try:
            # It may have left the tree, or, above other roots, be of a root no more.
            self._list(lambda: node.path if node.watch is not None else None, whole=False)
        except LibraryError:
            raise
        except Exception as error:
            self._supervisor.failed("listing a directory", error)
            self._miss([node.path])

    def _event_failed(self, error: Exception) -> None:
        self._supervisor.failed("following changes", error)
        self._miss(self.watcher.roots)

    def _miss(self, paths: Collection[bytes]) -> None:
        """What is below these paths isn't known: the roots that they are in are scanned after a
        while."""
        roots_above = {
            root for root in self.watcher.roots if any(is_below(path, root) for path in paths)
        }
        if roots_above and not self._missed:
            self._missed_again = time.monotonic() + self._backoff.seconds()
        self._missed |= roots_above
        with self._lock:
            self._complete -= roots_above

    def _make_up(self) -> None:
        if self._missed and self._missed_again <= time.monotonic():
            missed, self._missed = self._missed, set()
            for root in missed & self.watcher.roots:
                self._scan(root)

    def _timeout(self) -> float | None:
        """Seconds until there is something to do without an event; None for never."""
        timeout = self.watcher.timeout()
        if not self._missed:
            return timeout
        left = max(0.0, self._missed_again - time.monotonic())
        return left if timeout is None else min(left, timeout)

    def _reconcile_roots_and_mounts(self) -> None:
        """Takes over what roots there are and what is mounted. Raises LibraryError."""
        self._roots_or_mounts_changed.clear()
        try:
            changed = self.watcher.reconcile_mounts()
            if changed:
                self._roots_asked = time.monotonic()
            self._take_roots()
        except BaseException:
            self._roots_or_mounts_changed.set()
            raise
        self.watcher.scan_mounted(changed)
        if changed:
            self._remounted()

    def _take_roots(self) -> None:
        now = roots.roots(self._library)
        before = self.watcher.roots
        self.watcher.set_roots(now)
        self._complete.intersection_update(now)
        for gone in before.difference(now):
            if not any(is_below(gone, root) for root in now):
                self._drop(gone, now)

    def _drop(self, gone: bytes, now: list[bytes]) -> None:
        """Ends the scans of a former root, and removes what they listed since it was none."""
        with self._lock:
            scans = list(self._scans.values())
        for scan in scans:
            if not is_below(scan.path, gone) or any(is_below(scan.path, root) for root in now):
                continue
            if scan.asked < self._roots_asked:
                self._end(scan)
            else:  # asked for since then, and what it has listed goes
                scan.again = scan.begun
        listings.remove(self._library, gone, keep_roots=True)

    def _wait(self, timeout: float | None) -> None:
        poller = select.poll()
        events, mounts = self.watcher.descriptors
        poller.register(self._wake_read, select.POLLIN)
        poller.register(mounts, select.POLLPRI)
        if events is not None:
            poller.register(events, select.POLLIN)
        for descriptor, _ in poller.poll(None if timeout is None else timeout * 1000):
            if descriptor == self._wake_read:
                os.read(self._wake_read, 4096)
            elif descriptor == mounts:
                self._roots_or_mounts_changed.set()

    def _try_step(self, scan: Scan) -> bool:
        """As `_step`; an error that nobody thought of costs the directory that led to it."""
        try:
            return self._step(scan)
        except LibraryError:
            raise
        except Exception as error:
            scan.failures += 1
            self._supervisor.failed("scanning", error)
            return scan.failures >= _MOST_FAILURES

    def _step(self, scan: Scan) -> bool:
        """One directory. Returns whether the scan is finished."""
        scan.begun = True
        if not scan.left and scan.again:
            scan.start_over()
            return False
        if not scan.left:
            if not scan.failures:
                listings.mark_scanned(self._library, scan.path)
            self.watcher.scanned(scan.path, True, scan.changed, scan.cost)
            log.debug("scanned %s: %d pictures", os.fsdecode(scan.path), scan.found)
            return True
        path = scan.left.pop()
        if path == scan.path:
            self.watcher.scanning(path)
        began = time.monotonic()
        try:
            # A disk that goes away takes the scans of its roots with it.
            listing, changed = self._list(lambda: None if scan.done.is_set() else path, whole=True)
        except Exception as error:
            error.add_note(f"while {os.fsdecode(path)!r} was scanned")
            raise
        scan.changed |= changed
        scan.cost += time.monotonic() - began
        if scan.done.is_set():
            return False
        if listing is not None:
            scan.found += len(listing.files)
            prefix = path.rstrip(b"/") + b"/"
            scan.left.extend(prefix + name for name in reversed(listing.directories))
        elif path == scan.path:  # of others that vanished meanwhile their parents' listings tell
            listings.remove(self._library, path)
            self.watcher.scanned(path, False, True, scan.cost)
            self._changed()
            return True
        return False

    def _list(self, where: Callable[[], bytes | None], whole: bool) -> tuple[Listing | None, bool]:
        """Watches a directory, lists it and puts that into the library; None if it isn't there.

        Returns also whether anything had changed.
        A move that happens meanwhile reaches the library before the listing.
        """
        listing = None
        tries = _TRIES
        while tries:
            path = where()
            if path is None:
                return None, False
            node = self.watcher.watch(path)
            began = time.monotonic()
            listing = self.watcher.read(path)
            pulled_out = listing and listing.failure and self.watcher.pulled_out(path)
            if self.watcher.remounted or (pulled_out and tries == _TRIES):
                self._reconcile_roots_and_mounts()  # it may be of another disk than a moment ago
                tries -= bool(pulled_out)
                continue
            tries = tries - 1 if self.watcher.catch_up() else 0
        if listing is None:
            return None, True
        if whole:
            self.watcher.rest(listing)
        changed = listings.apply(self._library, listing)
        if node:
            self.watcher.listed(node, listing, began, whole)
        if changed:
            self._changed()
        return listing, changed

    def _finish(self, scan: Scan) -> None:
        """Ends a scan, unless it was asked for again just now."""
        with self._lock:
            if scan.again:
                scan.start_over()
                return
            # From here on who asks gets another scan.
            del self._scans[scan.path]
            if not scan.failures:
                self._note_refreshed(scan.path)
                if self.watcher.is_root(scan.path) and scan.path not in self._missed:
                    self._complete.add(scan.path)
        if scan.failures:
            self._miss([scan.path])
        scan.done.set()
        self._changed()

    def _end(self, scan: Scan) -> None:
        """Ends a scan of what is no root any more."""
        with self._lock:
            del self._scans[scan.path]
        scan.done.set()
        self._changed()

    def _note_refreshed(self, path: bytes) -> None:
        now = time.monotonic()
        self._refreshed.pop(path, None)
        self._refreshed[path] = now
        while now - next(iter(self._refreshed.values())) > _FRESH:
            del self._refreshed[next(iter(self._refreshed))]

    def _start_again(self) -> None:
        """After a failure of the library: listings were lost, and perhaps moves."""
        with self._lock:
            for scan in self._scans.values():
                scan.left = [scan.path]
        self.watcher.rescan()
