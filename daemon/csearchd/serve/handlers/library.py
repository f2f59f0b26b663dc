"""Operations on the library: its roots, its failures, and forgetting."""

from __future__ import annotations

import asyncio
import contextlib

from csearch.protocol.wire import HITS_PER_REPLY, Message
from csearchd.concurrency.single_flight import SingleFlight
from csearchd.concurrency.workers import Workers
from csearchd.errors import RequestError
from csearchd.indexing.indexer import Indexer
from csearchd.library import listings, roots
from csearchd.library.library import Library
from csearchd.library.removal import purging
from csearchd.library.removal.forgetting import Forgetting
from csearchd.reasons import OTHER, told
from csearchd.reasons import commands as reasons
from csearchd.requests.exchange import Exchange
from csearchd.requests.library import (
    AddRequest,
    FailedRequest,
    ForgetRequest,
    RemoveRequest,
    RescanRequest,
    RootsRequest,
)
from csearchd.serve.client_paths import ClientPaths
from csearchd.serve.handlers.completion import CompletionHandlers
from csearchd.serve.handlers.status import StatusReport, unread_mount
from csearchd.serve.operations import Handlers
from csearchd.watch.scanner import Scanner

_FORGET_SECONDS = 2.0  # to wait until what was put aside is deleted


class LibraryHandlers:
    """`add`, `remove`, `roots`, `rescan`, `failed`, `forget`."""

    def __init__(
        self,
        library: Library,
        scanner: Scanner,
        indexer: Indexer,
        paths: ClientPaths,
        report: StatusReport,
        completion: CompletionHandlers,
        verification: SingleFlight[None],
        forgotten: SingleFlight[None],
        workers: Workers,
    ) -> None:
        """`verification` looks for damaged files in the cache, `forgotten` deletes what was put
        aside."""
        self._library = library
        self._scanner = scanner
        self._indexer = indexer
        self._paths = paths
        self._report = report
        self._completion = completion
        self._verification = verification
        self._forgotten = forgotten
        self._workers = workers

    def handlers(self) -> Handlers:
        return {
            AddRequest: self._add,
            RemoveRequest: self._remove,
            RootsRequest: self._roots,
            RescanRequest: self._rescan,
            FailedRequest: self._failed,
            ForgetRequest: self._forget,
        }

    async def _add(self, request: AddRequest, exchange: Exchange) -> Message:
        path = await self._workers.wait(self._paths.directory, request.path)
        await self._workers.wait(roots.add, self._library, path)
        self._scanner.roots_changed()
        self._scanner.scan(path)
        self._indexer.retry()
        # What was mounted a moment ago, or below a root that the watcher doesn't know yet, counts.
        unread = self._scanner.watcher.remote.unread_below(path)
        return {
            "path": path,
            "images": await self._workers.answer(self._count, path),
            **told(map(unread_mount, unread)),
        }

    async def _remove(self, request: RemoveRequest, exchange: Exchange) -> Message:
        path = await self._workers.wait(self._paths.resolve, request.path)
        images = await self._workers.answer(self._count, path)
        if not await self._workers.wait(roots.remove, self._library, path):
            raise RequestError("not-found", reasons.NOT_WATCHED(path=path))
        self._scanner.roots_changed(path)
        for root in await self._workers.answer(roots.roots, self._library):
            if roots.is_below(root, path):
                self._scanner.scan(root)
        return {"path": path, "images": images}

    async def _roots(self, request: RootsRequest, exchange: Exchange) -> Message:
        return {
            "roots": await self._workers.answer(self._report.roots),
            "known": await self._workers.answer(self._report.known),
        }

    async def _rescan(self, request: RescanRequest, exchange: Exchange) -> Message:
        if request.path is None:
            paths = await self._workers.answer(roots.roots, self._library)
        else:
            paths = [await self._workers.wait(self._paths.directory, request.path)]
        for path in self._scanner.watcher.remote.with_separate_roots(paths):
            self._scanner.scan(path)
        self._indexer.retry()
        await self._verification.run()
        return {"directories": paths}

    async def _failed(self, request: FailedRequest, exchange: Exchange) -> Message:
        found = await self._workers.answer(listings.failures, self._library)
        listed = {path for path, _ in found}
        texts = await self._workers.answer(self._library.texts.failures)
        unread = [(path, why) for path, why in texts if path not in listed]
        found += [(path, str(reasons.NO_TEXT(reason=OTHER(text=why)))) for path, why in unread]
        exchange.holds(len(found))
        for start in range(0, len(found), HITS_PER_REPLY):
            part = found[start : start + HITS_PER_REPLY]
            await exchange.reply("hits", hits=[{"path": path, "reason": why} for path, why in part])
        retried = directories = 0
        if request.retry:
            retried = await self._workers.wait(listings.retry_failed, self._library)
            for path, _ in found:
                if self._library.tree.find(path) is not None:  # else it is a file
                    self._scanner.scan(path)
                    directories += 1
            self._indexer.retry()
            await self._workers.wait(self._library.texts.retry_failed)
            retried += len(unread)
        return {"count": len(found), "retried": retried, "directories": directories}

    async def _forget(self, request: ForgetRequest, exchange: Exchange) -> Message:
        path = await self._workers.wait(self._paths.resolve, request.path)
        await self._completion.forget(path)
        forgetting = Forgetting(self._library, path)
        total = await self._workers.answer(self._count, path)
        await exchange.reply("progress", phase="forgetting", done=0, total=total)
        self._indexer.leave_out(path)
        try:
            await self._workers.wait(self._scanner.leave_out, path)
            await self._workers.wait(self._indexer.drop, path)
            await self._workers.wait(forgetting.put_aside)
            await self._delete_forgotten()
            if await self._workers.wait(forgetting.put_aside):  # what has come meanwhile
                await self._delete_forgotten()
        finally:
            self._indexer.allow(path)
        if not forgetting.known:
            raise RequestError("not-found", reasons.NOT_KNOWN(path=path))
        left = await self._workers.answer(purging.count, self._library)
        return {"files": forgetting.files, "left": left, "kept": forgetting.kept}

    async def _delete_forgotten(self) -> None:
        """Waits a while until what was put aside is deleted, which goes on in the background."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._forgotten.run(), _FORGET_SECONDS)

    def _count(self, path: bytes) -> int:
        with self._library.memory_lock:
            directory = self._library.tree.find(path)
            if directory is None:
                return 0
            inside = self._library.catalogue.files_in(self._library.tree.mask([directory]))
            return int(inside.sum())
