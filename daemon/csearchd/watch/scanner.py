"""The scanning thread: brings the library to the state of the disk, one directory at a time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from csearchd.library import listings
from csearchd.library.database import LibraryError
from csearchd.library.library import Library
from csearchd.watch.rules import Rules
from csearchd.watch.walk import walk

log = logging.getLogger(__name__)

_FRESH = 2.0  # seconds after which a scan that was asked for again is made again


class Scan:
    """One scan, of a directory and all below it."""

    def __init__(self, path: bytes, rules: Rules) -> None:
        self.path = path
        self.done = threading.Event()
        self.listings = walk(path, rules)
        self.found = 0  # pictures listed so far


class Scanner:
    """Scans what it is asked to, the latest request first, so that a user who waits goes first."""

    def __init__(self, library: Library, rules: Rules, changed: Callable[[], None]) -> None:
        """`changed` is called when there may be new work for the encoder."""
        self.rules = rules
        self._library = library
        self._changed = changed
        self._scans: list[Scan] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._finished: dict[bytes, float] = {}  # by path, monotonic seconds
        self.trouble: str | None = None  # why the library can't be written, while that is so
        self._thread = threading.Thread(target=self._run, name="scanner", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout)

    def scan(self, path: bytes) -> Scan:
        """Scans the directory at `path` next; joins a scan of it that isn't finished."""
        with self._wake:
            for scan in self._scans:
                if scan.path == path:
                    self._scans.remove(scan)
                    break
            else:
                scan = Scan(path, self.rules)
            self._scans.append(scan)
            self._wake.notify()
        return scan

    def refresh(self, path: bytes) -> None:
        """Scans `path` unless that was done a moment ago."""
        with self._wake:
            finished = self._finished.get(path)
        if finished is None or time.monotonic() - finished > _FRESH:
            self.scan(path)

    @property
    def scanning(self) -> list[bytes]:
        with self._wake:
            return [scan.path for scan in self._scans]

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._scans and not self._stopping:
                    self._wake.wait()
                if self._stopping:
                    return
                scan = self._scans[-1]
            try:
                finished = self._step(scan)
                self.trouble = None
            except LibraryError as error:
                if self.trouble is None:
                    log.error("%s", error)
                self.trouble = str(error)
                with self._wake:
                    self._wake.wait_for(lambda: self._stopping, 5)
                scan.listings = walk(scan.path, self.rules)  # from the start: listings were lost
                continue
            except Exception:
                log.exception("scanning %s failed", os.fsdecode(scan.path))
                finished = True
            if finished:
                with self._wake:
                    self._scans.remove(scan)
                    self._finished[scan.path] = time.monotonic()
                scan.done.set()
                self._changed()

    def _step(self, scan: Scan) -> bool:
        """One directory. Returns whether the scan is finished."""
        try:
            listing = next(scan.listings)
        except StopIteration:
            listings.cover(self._library, scan.path)
            log.debug("scanned %s: %d pictures", os.fsdecode(scan.path), scan.found)
            return True
        if listing is None:
            listings.remove(self._library, scan.path)
            return True
        scan.found += len(listing.files)
        if listings.apply(self._library, listing):
            self._changed()
        return False
