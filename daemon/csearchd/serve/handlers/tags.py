"""The operations `tags-…` of csearchctl."""

from __future__ import annotations

import asyncio
import os

from csearch.protocol.wire import HITS_PER_REPLY, Message
from csearchd.concurrency.threads import Cancellation
from csearchd.concurrency.workers import Workers
from csearchd.errors import RequestError, TagsError
from csearchd.library import roots
from csearchd.library.library import Library
from csearchd.library.listings import file_at
from csearchd.library.metadata.details import details
from csearchd.metadata.keyword_paths import leaf
from csearchd.models.active_model import Models
from csearchd.reasons import commands as reasons
from csearchd.requests.exchange import Exchange
from csearchd.requests.tags import (
    TagsGiveRequest,
    TagsOffRequest,
    TagsOnRequest,
    TagsPreviewRequest,
    TagsUndoRequest,
    TagsWriteRequest,
)
from csearchd.serve.client_paths import ClientPaths
from csearchd.serve.indexing_wait import PROGRESS_SECONDS, IndexingWait
from csearchd.serve.operations import Handlers
from csearchd.serve.tag_upkeep import TagUpkeep
from csearchd.spelling import folded
from csearchd.tags import ledger, tagged_folders
from csearchd.tags.ledger import Entry
from csearchd.tags.locations import TagLocation, files_at, files_in_chunks
from csearchd.tags.task_queue import TaggingQueue
from csearchd.tags.tasks import Task
from csearchd.tags.undo.candidates import known_locations, relocated
from csearchd.tags.undo.mark_search import find_marks
from csearchd.tags.writers.exiftool import installed
from csearchd.validation import AbsolutePath
from csearchd.watch.scanner import Scanner

_PARAMETERS = 500  # in one SQL statement
_LOST = "it no longer exists, and was not found elsewhere"
_CHANGED = "it has changed since it was tagged, and the tagged picture was not found elsewhere"


class TagHandlers:
    def __init__(
        self,
        library: Library,
        models: Models,
        scanner: Scanner,
        tagging: TaggingQueue,
        upkeep: TagUpkeep,
        paths: ClientPaths,
        indexing_wait: IndexingWait,
        workers: Workers,
    ) -> None:
        self._library = library
        self._models = models
        self._scanner = scanner
        self._tagging = tagging
        self._upkeep = upkeep
        self._paths = paths
        self._indexing_wait = indexing_wait
        self._workers = workers

    def handlers(self) -> Handlers:
        return {
            TagsWriteRequest: self._write,
            TagsGiveRequest: self._give,
            TagsPreviewRequest: self._preview,
            TagsOnRequest: self._keep,
            TagsOffRequest: self._leave,
            TagsUndoRequest: self._undo,
        }

    async def _write(self, request: TagsWriteRequest, exchange: Exchange) -> Message:
        _check_mode(request.mode)
        path = await self._workers.wait(self._paths.directory, request.path)
        await self._indexing_wait.wait_for(exchange, [path])
        files = await self._workers.wait(tagged_folders.files_below, self._library, path)
        task = Task.write(request.mode, files)
        await self._do(exchange, task)
        await _tell_left(exchange, task.left)
        # What has been written is being read again: `status` shows it from now on.
        if task.changed:
            self._scanner.scan(path)
        return {"files": task.total, "written": len(task.written), "left": len(task.left)}

    async def _give(self, request: TagsGiveRequest, exchange: Exchange) -> Message:
        _check_mode(request.mode)
        files = await self._workers.wait(self._known, request.paths)
        task = Task.give(request.mode, list(files), request.add, request.take)
        await self._do(exchange, task)
        await _tell_left(exchange, task.left)
        changed = [path for file, path in files.items() if file in task.written]
        return {
            "files": task.total,
            "written": len(task.written),
            "left": len(task.left),
            "paths": changed,
        }

    def _known(self, paths: list[AbsolutePath]) -> dict[int, bytes]:
        """Returns the paths of files by their ids. Raises RequestError for one that is unknown."""
        found: dict[int, bytes] = {}
        for path in paths:
            parent, name = os.path.split(path)
            file = file_at(self._library, os.path.join(self._paths.resolve(parent), name))
            if file is None:
                raise RequestError("not-found", reasons.NO_FILE(path=path))
            found[file] = path
        return found

    async def _preview(self, request: TagsPreviewRequest, exchange: Exchange) -> Message:
        path = await self._workers.wait(self._paths.directory, request.path)
        await self._indexing_wait.wait_for(exchange, [path])
        files = await self._workers.wait(tagged_folders.files_below, self._library, path)
        tagged = 0
        for start in range(0, len(files), HITS_PER_REPLY):
            part = files[start : start + HITS_PER_REPLY]
            hits = await self._workers.compute("compare", self._suggested, part)
            tagged += sum(1 for hit in hits if hit["tags"])
            await exchange.reply("hits", hits=hits)
        return {"files": len(files), "tagged": tagged}

    def _suggested(self, cancellation: Cancellation, files: list[int]) -> list[Message]:
        """Returns the words that some files would get, besides their own. Raises RequestError."""
        hits: list[Message] = []
        for start in range(0, len(files), _PARAMETERS):
            cancellation.check()
            part = files[start : start + _PARAMETERS]
            try:
                words = self._tagging.scoring.tags(self._models.active_model, part)
            except TagsError as error:
                raise RequestError("tagger", error.reason) from None
            with self._library.read() as database:
                known = details(database, part)
            for file, path, _, _ in files_at(self._library, part):
                there = {folded(word) for word in known.get(file, {}).get("keywords", ())}
                tags = [
                    [word, round(confidence, 3)]
                    for word, confidence in words.get(file, ())
                    if folded(leaf(word)) not in there
                ]
                hits.append({"path": path, "tags": tags})
        return hits

    async def _keep(self, request: TagsOnRequest, exchange: Exchange) -> Message:
        _check_mode(request.mode)
        path = await self._workers.wait(self._paths.directory, request.path)
        known = await self._workers.wait(roots.roots, self._library)
        watched = any(roots.is_below(path, root) for root in known)
        if not watched:  # what comes later is seen only there
            await self._workers.wait(roots.add, self._library, path)
            self._scanner.roots_changed()
        await self._workers.wait(tagged_folders.add, self._library, path, request.mode)
        self._upkeep.look()
        (self._scanner.refresh if watched else self._scanner.scan)(path)
        return {"path": path, "added": not watched}

    async def _leave(self, request: TagsOffRequest, exchange: Exchange) -> Message:
        path = await self._workers.wait(self._paths.resolve, request.path)
        gone = await self._workers.wait(tagged_folders.remove, self._library, path)
        if not gone:
            above = await self._workers.wait(tagged_folders.enclosing, self._library, path)
            if above:
                raise RequestError("not-found", reasons.TAGGED_ABOVE(path=path, above=above))
            raise RequestError("not-found", reasons.NOT_TAGGED(path=path))
        return {"paths": gone}

    async def _undo(self, request: TagsUndoRequest, exchange: Exchange) -> Message:
        path, is_there = None, True
        if request.path is not None:
            path = await self._workers.wait(self._paths.resolve, request.path)
            above = await self._workers.wait(tagged_folders.enclosing, self._library, path)
            if above:
                raise RequestError("bad-request", reasons.TAGGED_AGAIN(path=path, above=above))
            is_there = await self._workers.wait(self._paths.ask, path, os.path.lexists)
            # It may have come from elsewhere.
            if await self._workers.wait(self._paths.ask, path, os.path.isdir):
                await self._indexing_wait.wait_for(exchange, [path])
        gone = await self._workers.wait(tagged_folders.remove, self._library, path or b"/")
        found = await self._workers.wait(
            known_locations, self._library, path, self._tagging.timed_call
        )
        tagged = bool(found or gone)
        if path is not None and not tagged and not is_there:
            raise RequestError("not-found", reasons.NO_FILE(path=path))
        return {**await self._take_back(exchange, path, found), "folders": gone}

    async def _take_back(
        self, exchange: Exchange, path: bytes | None, found: list[TagLocation]
    ) -> Message:
        """Takes back what was written at some places. A file that has moved is followed; one that
        is found nowhere is reported with its last path."""
        library, total = self._library, len(found)
        timed_call = self._tagging.timed_call
        rows = {place.row for place in found if place.row is not None}
        written: set[bytes | int] = set()
        left: dict[tuple[bytes, str], None] = {}
        kept: set[int] = set()  # rows that were told of
        changed: set[int] = set()
        before, searched = len(rows) + 1, False
        while True:
            task = Task.undo(found)
            await self._do(exchange, task)
            written |= task.written
            left |= dict.fromkeys(task.left)
            kept |= task.rows_left
            changed |= task.changed_rows
            await self._workers.wait(ledger.detach, library, task.changed_rows)
            files = [place.file for place in found if place.file is not None]
            await self._workers.wait(ledger.forget_visits, library, files)
            lost = await self._workers.wait(ledger.unsettled, library, rows - kept)
            if lost and len(lost) < before:  # as long as that helps: they may be moved all the time
                before = len(lost)
                await self._scan(path)
                found = await self._workers.wait(relocated, library, lost, timed_call)
            elif lost and not searched:
                searched = True
                found = await self._workers.walk(find_marks, library, lost, timed_call)
            else:
                break
        there = await self._workers.wait(self._paths_of, lost)
        for entry in lost:
            reason = _CHANGED if entry.row in changed else _LOST
            left[there.get(entry.file or 0, entry.path), reason] = None
        await _tell_left(exchange, list(left))
        return {"files": total, "written": len(written), "left": len(left)}

    def _paths_of(self, entries: list[Entry]) -> dict[int, bytes]:
        """Returns the paths of the entries' files by id, for those that are known."""
        files = [entry.file for entry in entries if entry.file is not None]
        return {file: path for file, path, _, _ in files_in_chunks(self._library, files)}

    async def _scan(self, path: bytes | None) -> None:
        """Waits until the library knows all files that are there."""
        known = await self._workers.wait(roots.roots, self._library)
        if path is not None and await self._workers.wait(self._paths.ask, path, os.path.isdir):
            known.append(path)
        scans = [self._scanner.scan(one) for one in dict.fromkeys(known)]
        while not all(scan.done.is_set() for scan in scans) and not self._scanner.last_error:
            await asyncio.sleep(PROGRESS_SECONDS)

    async def _do(self, exchange: Exchange, task: Task) -> None:
        """Waits for the end of a task and sends progress. A client that leaves ends the task."""
        self._library.require_in_place()
        self._tagging.add(task)
        try:
            while not task.finished.is_set():
                await exchange.reply(
                    "progress",
                    phase="tagging" if task.kind == "write" else "undoing",
                    done=task.done,
                    total=task.total,
                    failed=len(task.left),
                )
                try:
                    await asyncio.wait_for(task.finished.wait(), PROGRESS_SECONDS)
                except TimeoutError:
                    pass
        finally:
            task.cancel()
        if task.error:
            self._upkeep.look()  # whether the trouble has ended
            raise RequestError("tagger", task.error)


async def _tell_left(exchange: Exchange, left: list[tuple[bytes, str]]) -> None:
    left = sorted(left)
    for start in range(0, len(left), HITS_PER_REPLY):
        part = left[start : start + HITS_PER_REPLY]
        await exchange.reply("hits", hits=[{"path": path, "reason": why} for path, why in part])


def _check_mode(mode: str) -> None:
    """Raises RequestError where a program is missing that writes in this mode."""
    if mode == "embedded" and not installed():
        raise RequestError("tagger", reasons.EXIFTOOL_MISSING())
