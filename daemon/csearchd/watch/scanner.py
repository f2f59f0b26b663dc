"""The scanning thread: updates the library from the disk, one directory at a time."""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections.abc import Callable, Collection

from csearchd.concurrency.errands import Errands
from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.wake_pipe import WakePipe
from csearchd.errors import LibraryError
from csearchd.library import listings, roots
from csearchd.library.library import Library
from csearchd.library.listings import Listing
from csearchd.library.roots import is_below
from csearchd.reasons import Reason
from csearchd.reasons import service as reasons
from csearchd.unexpected import unexpected
from csearchd.watch.debounce import Debounce
from csearchd.watch.failed_roots import FailedRoots
from csearchd.watch.rules import Rules
from csearchd.watch.scan import RecentScans, Scan, Scans
from csearchd.watch.watcher import Watcher
from csearchd.watch.watches import Node

log = logging.getLogger(__name__)

_RECONCILE_SECONDS = 2.0  # to wait until an unmounted disk is noticed
_RETRY_SECONDS = 5.0  # before the next attempt if the library can't be written
_ERRAND_SECONDS = 5.0  # to wait for what this thread is to do for another
_TRIES = 3  # listings of a directory, if something is moved while it is listed
_MAX_FAILURES = 10  # unexpected errors in a scan, after which it is ended


class Scanner:
    """The scanning thread, and what other threads call.

    Scans are done in the order of their requests, the latest first, since a user may wait for it.
    """

    def __init__(
        self,
        library: Library,
        rules: Rules,
        debounce: Debounce,
        changed: Callable[[], None],
        remounted: Callable[[], None],
        supervisor: Supervisor,
    ) -> None:
        """`changed` is called when there may be new files to read, `remounted` when disks were
        mounted or unmounted."""
        self.watcher = Watcher(
            library, rules, debounce, self._request, self._is_scanning, changed, self._event_failed
        )
        self.last_error: Reason | None = None  # why nothing is scanned, at present
        self.failed_at = 0.0  # when that was last found out, monotonic seconds
        self._retry_now = threading.Event()  # ends the delay after such an error
        self._supervisor = supervisor
        self._library = library
        self._changed = changed
        self._remounted = remounted
        self._lock = threading.RLock()
        self._scans = Scans(self._lock)
        self._listings: list[bytes] = []  # requested by `list_soon`
        self._recent = RecentScans()
        self._complete: set[bytes] = set()  # roots that were scanned since they were added
        self._roots_changed_at = 0.0  # monotonic seconds
        self._failed_roots = FailedRoots()
        self._roots_or_mounts_changed = threading.Event()  # they must be reconciled
        self._roots_or_mounts_changed.set()
        self._reconciled = threading.Event()
        self._stopped = threading.Event()
        self._pipe = WakePipe()
        self._errands = Errands(self._pipe.wake)
        self._thread = supervisor.thread("scanning", self._run)

    def start(self) -> None:
        """Notices unmounted disks, then starts the thread and scans. Raises LibraryError."""
        self._reconcile_roots_and_mounts()
        self.watcher.remote.forget_unread()
        for path, scanned, _ in roots.last_scans(self._library):
            if self.watcher.resume(path, scanned):
                self._complete.add(path)
            else:
                self.scan(path)
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Stops the thread, and waits for it at most `timeout` seconds."""
        self._stopped.set()
        self.retry()
        self._pipe.wake()
        self._thread.join(timeout)

    def retry(self) -> None:
        """Ends the delay after an error of the library: the cause may be gone."""
        self._retry_now.set()

    @property
    def rules(self) -> Rules:
        """Which directories and files are scanned."""
        return self.watcher.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self.watcher.rules = rules

    def scan(self, path: bytes, again: bool = True) -> Scan:
        """Requests a scan of the directory at `path`, before all others, and returns it.

        If one is under way it is returned; with `again` it starts over at its end, since a
        directory that it has listed already may have changed.
        """
        return self._request(path, again, is_asked=True)

    def _request(self, path: bytes, again: bool = True, is_asked: bool = False) -> Scan:
        """Like `scan`, but for a client only if it `is_asked`."""
        scan = self._scans.request(path, again, is_asked)
        self._pipe.wake()
        return scan

    def list_soon(self, path: bytes) -> None:
        """Requests a listing of a known directory if it is watched, else a scan of it."""
        with self._lock:
            self._listings.append(path)
        self._pipe.wake()

    def refresh(self, path: bytes, missing: bool = False) -> None:
        """Requests a scan of `path`, or only a listing if it is watched, unless it was just
        scanned.

        `missing`: a known file doesn't exist, so that a watched directory is listed in any case.
        """
        root = self.watcher.covering(path)
        with self._lock:
            fresh = self._recent.has(path)
            watched = root in self._complete
            if watched and not fresh:
                self._recent.note(path)
        if watched and (missing or not fresh):
            self.list_soon(path)
        elif not watched and not fresh:
            if self.watcher.remote.may_refresh(path):
                # Nobody asks for the directory of a file that is missing.
                (self._request if missing else self.scan)(path, again=False)
            elif missing:
                self.list_soon(path)

    def roots_changed(self, removed: bytes | None = None) -> None:
        """Must be called when the library's roots have changed, so that they are watched. Nobody
        asks for a scan of one that was `removed` any more."""
        self._scans.unasked(removed)
        self._roots_changed_at = time.monotonic()
        self._roots_or_mounts_changed.set()
        self._pipe.wake()

    def leave_out(self, path: bytes) -> None:
        """Ends what scans do at and below `path`, which is being forgotten, but not in roots that
        are below it; after a while it returns without. A client may still ask for it anew."""
        self._errands.ask(lambda: self._leave_out(path), _ERRAND_SECONDS)

    def _leave_out(self, path: bytes) -> None:
        kept = [root for root in self.watcher.roots if is_below(root, path) and root != path]
        with self._lock:
            self._scans.leave_out(path, kept)
            self._listings = [
                each
                for each in self._listings
                if not is_below(each, path) or any(is_below(each, root) for root in kept)
            ]
        self._changed()

    def notice_ended_mounts(self) -> None:
        """Detaches the directories of file systems whose programs have ended, so that nobody is
        told of their pictures. It doesn't wait long for these programs."""
        if self.watcher.remote.find_ended():
            self._reconciled.clear()
            self._roots_or_mounts_changed.set()
            self._pipe.wake()
            self._reconciled.wait(_RECONCILE_SECONDS)

    @property
    def scanning(self) -> list[bytes]:
        """The paths that are being, or will be, scanned or listed."""
        return list(dict.fromkeys([*self._scans.paths(), *self.watcher.pending]))

    @property
    def incomplete_reason(self) -> Reason | None:
        """Why pictures below the roots may be missing, at present; None if they aren't."""
        reason = reasons.MAYBE_INCOMPLETE(reason=unexpected())
        return reason if self._failed_roots else None

    @property
    def complete(self) -> bool:
        """Whether everything below the roots was listed, and no listing is requested."""
        if self._roots_or_mounts_changed.is_set() or self.scanning:
            return False
        with self._lock:
            return self._complete.issuperset(self.watcher.roots)

    def _is_scanning(self, path: bytes) -> bool:
        """Whether a scan of `path`, or of a directory above or below it, is requested or under
        way."""
        return any(
            is_below(path, scanned) or is_below(scanned, path) for scanned in self._scans.paths()
        )

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._retry_now.clear()
            try:
                if not self._run_once():
                    self._wait(self._timeout())
                self.last_error = None
            except LibraryError as error:
                if self.last_error is None:
                    log.error("%s", error)
                self.last_error, self.failed_at = error.reason, time.monotonic()
                self._restart_scans()
                self._retry_now.wait(_RETRY_SECONDS)
            except Exception:  # the supervisor starts the thread again
                self.failed_at = time.monotonic()
                self.last_error = reasons.NOT_FOLLOWED(reason=unexpected())
                self._mark_incomplete(self.watcher.roots)
                raise

    def _run_once(self) -> bool:
        """Lists one directory for an event, and one for a scan. Returns whether there were any."""
        self._errands.run()
        if self._roots_or_mounts_changed.is_set():
            self._reconcile_roots_and_mounts()
        self.watcher.handle_events()
        self.watcher.request_due_scans()
        for root in self._failed_roots.take_due() & self.watcher.roots:
            self._request(root)
        with self._lock:
            asked, self._listings = self._listings, []
        for path in asked:
            if self.watcher.list_soon(path) or self._library.tree.find(path) is None:
                continue
            # A scan of all below a directory on a server may cost much.
            (self._list_directory if self.watcher.is_polled(path) else self._request)(path)
        for path in self.watcher.rested_elsewhere():
            self._list_directory(path)
            self.watcher.release(path)
        if node := self.watcher.next_listing():
            self._list_directory(node.path, node)
        scan = self._scans.next()
        if scan and self._try_step(scan):
            self._finish(scan)
        return node is not None or scan is not None

    def _list_directory(self, path: bytes, node: Node | None = None) -> None:
        """Lists a directory, but nothing below it: that of a node, or one that isn't watched."""

        def where() -> bytes | None:
            # The node may have been removed, or belong to a former root above another root.
            return path if node is None else node.path if node.watch is not None else None

        try:
            if self._list(where, whole=node is None)[0] is None and node is None:
                self._request(path)  # which finds that it is gone, and removes it
        except LibraryError:
            raise
        except Exception as error:
            self._supervisor.failed("listing a directory", error)
            self._mark_incomplete([path])

    def _event_failed(self, error: Exception) -> None:
        self._supervisor.failed("following changes", error)
        self._mark_incomplete(self.watcher.roots)

    def _mark_incomplete(self, paths: Collection[bytes]) -> None:
        """Lets the roots that contain `paths` be scanned again after a while, since an error
        occurred."""
        above = {root for root in self.watcher.roots if any(is_below(path, root) for path in paths)}
        self._failed_roots.add(above)
        with self._lock:
            self._complete -= above

    def _timeout(self) -> float | None:
        """The seconds until something is due without an event; None if nothing is."""
        times = (self.watcher.timeout(), self._failed_roots.seconds_left())
        return min((seconds for seconds in times if seconds is not None), default=None)

    def _reconcile_roots_and_mounts(self) -> None:
        """Updates watches and library for the current roots and mounts. Raises LibraryError."""
        self._roots_or_mounts_changed.clear()
        try:
            changed = self.watcher.reconcile_mounts()
            if changed:
                self._roots_changed_at = time.monotonic()
            self._update_roots()
        except BaseException:
            self._roots_or_mounts_changed.set()
            raise
        self._reconciled.set()
        self.watcher.scan_mounted(changed)
        if changed:
            self._remounted()

    def _update_roots(self) -> None:
        now = roots.roots(self._library)
        before = self.watcher.roots
        self.watcher.set_roots(now)
        self._complete.intersection_update(now)
        for removed in before.difference(now):
            covered = self.watcher.remote.is_covered(removed)  # the root above may leave it out
            (self._request if covered else self._drop)(removed)

    def _drop(self, removed: bytes) -> None:
        """Ends the scans in a removed root, and removes what they have listed since its removal."""
        for scan in self._scans.all():
            if not is_below(scan.path, removed) or self.watcher.remote.is_covered(scan.path):
                continue
            if scan.requested < self._roots_changed_at:
                self._scans.end(scan)
                self._changed()
            else:  # it was requested after the removal: what it has listed is removed, too
                scan.again = scan.begun
        listings.remove(self._library, removed, keep_roots=True)

    def _wait(self, timeout: float | None) -> None:
        """Waits for an event, a request, or a change of the mounts."""
        poller = select.poll()
        events, mounts = self.watcher.descriptors
        poller.register(self._pipe.fileno(), select.POLLIN)
        poller.register(mounts, select.POLLPRI)
        if events is not None:
            poller.register(events, select.POLLIN)
        for descriptor, _ in poller.poll(None if timeout is None else timeout * 1000):
            if descriptor == self._pipe.fileno():
                self._pipe.drain()
            elif descriptor == mounts:
                self._roots_or_mounts_changed.set()

    def _try_step(self, scan: Scan) -> bool:
        """Like `_step`; an unexpected error is reported, and affects one directory only."""
        try:
            return self._step(scan)
        except LibraryError:
            raise
        except Exception as error:
            scan.failures += 1
            self._supervisor.failed("scanning", error)
            return scan.failures >= _MAX_FAILURES

    def _step(self, scan: Scan) -> bool:
        """Lists one directory of a scan. Returns whether the scan is finished."""
        scan.begun = True
        if not scan.remaining and scan.again:
            scan.start_over()
            return False
        if not scan.remaining:
            if not scan.failures:
                listings.mark_scanned(self._library, scan.path)
            self.watcher.on_scan_finished(scan.path, True, scan.changed, scan.cost)
            log.debug("scanned %s: %d pictures", os.fsdecode(scan.path), scan.found)
            return True
        path = scan.remaining.pop()
        if path == scan.path:
            self.watcher.on_scan_started(path)
            if not self.watcher.admits(path, scan.is_asked):
                listings.remove(self._library, path, keep_roots=True)
                self.watcher.on_excluded(path)
                return True
        began = time.monotonic()
        try:
            # The scan is ended if its root's disk is unmounted meanwhile.
            listing, changed = self._list(
                lambda: None if scan.done.is_set() else path, whole=True, by=scan
            )
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
            below = (prefix + name for name in reversed(listing.directories))
            wanted = filter(scan.includes, filter(self.watcher.remote.passes, below))
            scan.remaining.extend(wanted)
        elif path == scan.path:  # others are removed by the listing of their parent
            listings.remove(self._library, path)
            self.watcher.on_scan_finished(path, False, True, scan.cost)
            self._changed()
            return True
        return False

    def _list(
        self, where: Callable[[], bytes | None], whole: bool, by: Scan | None = None
    ) -> tuple[Listing | None, bool]:
        """Watches and lists the directory at `where()`, and updates the library.

        A move that happens meanwhile is applied to the library before the listing, so `where` is
        called again. Returns the listing, None if there is no directory, and whether anything has
        changed. `whole`: whether the directories below it are to be listed too; `by` which scan.
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
            pulled_out = listing and listing.failure and self.watcher.remote.pulled_out(path)
            if self.watcher.remounted or (pulled_out and tries == _TRIES):
                self._reconcile_roots_and_mounts()  # the directory may be on another disk now
                tries -= bool(pulled_out)
                continue
            tries = tries - 1 if self.watcher.handle_events() else 0
        if listing is None:
            return None, True
        if whole:
            self.watcher.hold_recent(listing)
        changed = listings.apply(self._library, listing)
        if node:
            self.watcher.on_listed(node, listing, began, whole)
        if changed:
            self._scans.on_listed(listing, self.watcher.roots, by)
            self._changed()
        return listing, changed

    def _finish(self, scan: Scan) -> None:
        """Ends a scan, unless it was requested again."""
        with self._lock:
            if not self._scans.finish(scan):
                return
            if not scan.failures:
                self._recent.note(scan.path)
                if self.watcher.is_root(scan.path) and scan.path not in self._failed_roots:
                    self._complete.add(scan.path)
        if scan.failures:
            self._mark_incomplete([scan.path])
        scan.done.set()
        self._changed()

    def _restart_scans(self) -> None:
        """Starts all scans over, and scans watched roots, after the library couldn't be written."""
        self._scans.restart()
        self.watcher.rescan()
