"""Tags what comes into folders that are kept tagged: a chore of the running service."""

from __future__ import annotations

import asyncio
import functools
import logging
import os

from csearchd.concurrency.threads import setter
from csearchd.concurrency.workers import Workers
from csearchd.errors import LibraryError, TagsError, Unanswered
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.system.inode_identity import inode_identity
from csearchd.tags import tagged_folders
from csearchd.tags.folder_tracker import FolderTracker
from csearchd.tags.locations import unfinished
from csearchd.tags.task_queue import TaggingQueue
from csearchd.tags.tasks import Task
from csearchd.watch.scanner import Scanner

log = logging.getLogger(__name__)

_KEEP_SECONDS = 2.0  # between looks for what is due in folders that are kept tagged
_MAX_PAUSE_SECONDS = 60.0  # while nothing changes
_RETRY_SECONDS = 5.0  # after an error, doubled with each that follows


class TagUpkeep:
    """Made and used in the event loop."""

    def __init__(
        self,
        library: Library,
        models: Models,
        scanner: Scanner,
        tagging: TaggingQueue,
        workers: Workers,
    ) -> None:
        self._library = library
        self._models = models
        self._scanner = scanner
        self._tagging = tagging
        self._workers = workers
        self._news = asyncio.Event()  # there may be something to tag
        library.on_commit(setter(self._news))

    def look(self) -> None:
        """Makes `keep_tagged` look for pictures to tag."""
        self._news.set()

    async def settle_unfinished(self) -> None:
        """Has the tagger finish or undo what a killed tagger began."""
        while True:
            try:
                left = await self._workers.wait(unfinished, self._library)
            except LibraryError:  # status says it already
                await asyncio.sleep(_MAX_PAUSE_SECONDS)
            else:
                self._tagging.add(Task.settle(left))
                return

    async def keep_tagged(self) -> None:
        """Tags what is new in the folders that are kept tagged, whenever the library has
        changed."""
        tagging = self._tagging
        following = FolderTracker(self._library, self._inode_identity)
        pause, retry_pause = _KEEP_SECONDS, _RETRY_SECONDS
        while True:
            self._news.clear()  # what comes while this round looks makes another
            before = tagging.progress
            kept: dict[bytes, str] = {}
            try:
                await tagging.check_error()
                complete = self._scanner.complete
                for old, new in await self._workers.wait(following.update, complete):
                    log.info("%s is kept tagged as %s", os.fsdecode(old), os.fsdecode(new))
                kept = await self._workers.wait(tagged_folders.read, self._library)
                unverified = following.unverified
                due = {path: mode for path, mode in kept.items() if path not in unverified}
                if due and not tagging.is_busy:
                    await self._tag_due(due)
            except LibraryError:
                pass  # status says it already
            except TagsError as error:
                tagging.fail(
                    f"folders aren't kept tagged: {error}",
                    functools.partial(tagging.scoring.check, self._models.active_model),
                )
            moved = tagging.progress != before
            pause = _KEEP_SECONDS if moved or not kept else min(2 * pause, _MAX_PAUSE_SECONDS)
            if tagging.recoverable:  # no commit tells that it has ended
                await asyncio.sleep(retry_pause)
                retry_pause = min(2 * retry_pause, _MAX_PAUSE_SECONDS)
                continue
            retry_pause = _RETRY_SECONDS
            if not following.unverified:
                await self._news.wait()
            await asyncio.sleep(pause)

    def _inode_identity(self, path: bytes) -> tuple[int, int] | None:
        """As csearchd.system.inode_identity, or None where a file server doesn't answer."""
        try:
            return self._scanner.watcher.timed_call(path, lambda: inode_identity(path))
        except Unanswered:
            return None

    async def _tag_due(self, kept: dict[bytes, str]) -> None:
        edition = await self._workers.wait(self._tagging.scoring.edition, self._models.active_model)
        for path, mode in kept.items():
            files = await self._workers.wait(
                tagged_folders.due_files, self._library, path, mode, edition
            )
            if files:
                task = Task.write(mode, files)
                self._tagging.add(task)
                await task.finished.wait()
