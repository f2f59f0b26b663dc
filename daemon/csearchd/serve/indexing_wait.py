"""Waits until directories are listed and their pictures read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from csearchd.concurrency.workers import Workers
from csearchd.indexing.indexer import Indexer
from csearchd.library.catalogue import DUE, FAILED, INDEXED
from csearchd.library.library import Library
from csearchd.requests.exchange import Exchange
from csearchd.search.filters import Files
from csearchd.search.request import Scope
from csearchd.watch.scanner import Scanner

PROGRESS_SECONDS = 0.1  # between two progress replies
_SHARE = 10  # counting, among very many directories, takes at most about one part in so many


class IndexingWait:
    """Used in the event loop alone, but for `scope_of` and `are_below`."""

    def __init__(
        self, library: Library, scanner: Scanner, indexer: Indexer, workers: Workers
    ) -> None:
        self._library = library
        self._scanner = scanner
        self._indexer = indexer
        self._workers = workers

    async def wait_for(self, exchange: Exchange, paths: list[bytes]) -> bool:
        """Waits until all below `paths` is listed and read, and sends progress. Returns whether the
        wait was cut short: by the client, or since nothing can be read or stored.

        What has failed before is tried again first, since the cause may be gone.
        """
        began = time.monotonic()
        self._scanner.retry()
        self._indexer.retry()
        before = await self._workers.answer(self._counts, paths)
        settled = sum(before.values()) - before[DUE]  # not part of this wait's work
        scanned = self._scanner.watcher.remote.with_separate_roots(paths)
        scans = [self._scanner.scan(path) for path in scanned]
        self._indexer.prioritise(paths)
        try:
            while True:
                scanning = not all(scan.done.is_set() for scan in scans)
                counting = time.monotonic()
                counts = await self._workers.answer(self._counts, paths)
                pause = max(PROGRESS_SECONDS, (time.monotonic() - counting) * _SHARE)
                total = max(0, sum(counts.values()) - settled)
                left = counts[DUE]
                if not scanning and not left:
                    return False
                fails = [
                    part.last_error is not None and part.failed_at >= began
                    for part in (self._scanner, self._indexer)
                ]
                stuck = self._indexer.paused or fails[1]
                if exchange.answer_now.is_set() or fails[0] or (stuck and not scanning):
                    return True
                rate = self._indexer.rate
                await exchange.reply(
                    "progress",
                    phase="scanning" if scanning else "encoding",
                    found=sum(counts.values()),
                    done=total - left,
                    total=total,
                    failed=counts[FAILED],
                    rate=round(rate, 1),
                    remaining=round(left / rate) if rate > 0 and not scanning else None,
                )
                try:
                    await asyncio.wait_for(exchange.answer_now.wait(), pause)
                except TimeoutError:
                    pass
        finally:
            self._indexer.stop_prioritising(paths)

    def scope_of(self, paths: Sequence[bytes]) -> Scope:
        """Returns the directories at and below some paths."""
        with self._library.memory_lock:
            tree = self._library.tree
            found = [tree.find(path) for path in paths]
            return tree.mask(directory for directory in found if directory is not None)

    def are_below(self, paths: Sequence[bytes], files: Files) -> NDArray[np.bool_]:
        """Which of some files are below some paths: `scope_of` without looking at all others."""
        with self._library.memory_lock:
            tree = self._library.tree
            scopes = {tree.find(path) for path in paths}
            above = self._library.catalogue.directory.take(files, mode="clip").tolist()
            inside = {
                directory: directory in tree and not scopes.isdisjoint(tree.ancestors(directory))
                for directory in set(above)
            }
        return np.array([inside[directory] for directory in above], np.bool_)

    def _counts(self, paths: list[bytes]) -> dict[int, int]:
        """Counts the files below `paths` by state."""
        scope = self.scope_of(paths)
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            return {state: catalogue.count(state, scope) for state in (DUE, INDEXED, FAILED)}
