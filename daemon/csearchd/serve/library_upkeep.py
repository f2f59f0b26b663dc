"""Keeps the library whole, small and on the disk: chores of the running service."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import time

from csearchd.concurrency.lifecycle import Lifecycle
from csearchd.concurrency.single_flight import SingleFlight
from csearchd.concurrency.threads import Cancellation, setter
from csearchd.concurrency.workers import Workers
from csearchd.errors import LibraryError
from csearchd.indexing.indexer import Indexer
from csearchd.library import contents
from csearchd.library.integrity.summary import Summary
from csearchd.library.library import Library
from csearchd.library.model_cleanup import delete_unused_vectors
from csearchd.library.removal import purging
from csearchd.logs import limit_log
from csearchd.models.active_model import Models
from csearchd.previews.desktop_thumbnails import CachedThumbnails
from csearchd.reasons import PATH, from_system
from csearchd.reasons import library as reasons
from csearchd.serve import result_folders
from csearchd.serve.configuration import Configuration

log = logging.getLogger(__name__)

RESCUED = "CSEARCHD_RESCUED"  # the variable that tells a restarted service what had happened
THOROUGH = "CSEARCHD_THOROUGH"  # the same, that it is to look for damaged rows
_LOOK_SECONDS = 15.0  # between looks for the library's file
_REST_SECONDS = 1.0  # between looks for what the user has changed
_KEEP_SECONDS = 60.0  # until all else is in the database's own file
_PURGE_SECONDS = 300.0  # between purges of contents without files
_WORDS_REST_SECONDS = 0.02  # between batches of the index of words, in which others may write
_FORGOTTEN_REST_SECONDS = 0.02  # the same, of what was forgotten


class LibraryUpkeep:
    """Made and used in the event loop. Each of its coroutines may be run again after it failed."""

    def __init__(
        self,
        library: Library,
        summary: Summary,
        models: Models,
        indexer: Indexer,
        configuration: Configuration,
        lifecycle: Lifecycle,
        workers: Workers,
    ) -> None:
        self._library = library
        self._summary = summary
        self._models = models
        self._indexer = indexer
        self._configuration = configuration
        self._lifecycle = lifecycle
        self._workers = workers
        self.forgotten = SingleFlight(self._delete_forgotten)
        self._news = asyncio.Event()  # something was committed
        self._news.set()
        library.on_commit(setter(self._news))

    async def keep(self) -> None:
        """Writes changes to the disk soon, and restarts the service where its library was deleted
        or replaced."""
        self._news.set()
        kept, changed = time.monotonic(), False
        while not self._lifecycle.restarts:
            try:
                await asyncio.wait_for(self._news.wait(), _LOOK_SECONDS)
            except TimeoutError:
                pass
            limit_log()  # the processes that read and tag write to it, too
            changed |= self._news.is_set()
            self._news.clear()
            all_of_it = changed and time.monotonic() - kept > _KEEP_SECONDS
            if all_of_it:
                kept, changed = time.monotonic(), False
            if await self._workers.wait(self._is_rescued, all_of_it):
                self._lifecycle.restart()
            await asyncio.sleep(_REST_SECONDS)

    async def check(self) -> None:
        """Looks for damaged rows in a large library, which isn't checked when it is opened, and
        restarts the service where there are any."""
        if self._library.unchecked and await self._workers.walk(self._is_damaged):
            os.environ[THOROUGH] = "yes"
            self._lifecycle.restart()

    def _index_some_words(self) -> bool:
        """Writes some of the index of words of an older library, or of a damaged one. Returns
        whether there is more."""
        self._library.texts.repair()
        with self._library.read() as database:
            if not self._library.words.is_behind(database):
                return False
        with self._library.write() as database:
            return self._library.words.catch_up(database)

    async def _delete_forgotten(self) -> None:
        """Deletes what was forgotten and put aside, a few files at a time. Raises LibraryError."""
        if not await self._workers.wait(purging.is_due, self._library):
            return
        thumbnails = await self._workers.wait(CachedThumbnails)
        has_deleted = False
        while (files := await self._workers.wait(purging.next_files, self._library)) is not None:
            await self._workers.wait(thumbnails.drop, files.paths)
            await self._workers.wait(purging.delete, self._library, files)
            await asyncio.sleep(_FORGOTTEN_REST_SECONDS)
            has_deleted = True
        await self._workers.wait(purging.finish, self._library)
        if has_deleted:
            # A picture that came back meanwhile may have been recognised by what was deleted then.
            await self._workers.wait(self._indexer.recount)

    async def purge(self) -> None:
        """Deletes what was forgotten, writes what the index of words lacks, and deletes contents
        that have had no file, and vectors that have had no model, for long; a few at a time."""
        while True:
            keep = self._configuration.current.library.keep_days * 86400
            try:
                await self.forgotten.run()
                while await self._workers.wait(self._index_some_words):
                    await asyncio.sleep(_WORDS_REST_SECONDS)
                while await self._workers.wait(contents.purge, self._library, keep):
                    await asyncio.sleep(0.1)
                while await self._workers.wait(self._library.texts.unused_words.step):
                    await asyncio.sleep(0.1)
                installed = await self._workers.wait(lambda: self._models.fingerprints)
                while await self._workers.wait(
                    delete_unused_vectors, self._library, installed, keep
                ):
                    await asyncio.sleep(0.1)
                await self._workers.wait(self._library.flush_caches)
            except (LibraryError, OSError) as error:
                log.error("%s", error)
            await self._workers.wait(result_folders.remove_old)
            await asyncio.sleep(_PURGE_SECONDS)

    async def verify(self) -> None:
        """Looks for damaged files in the cache, and repairs them. Raises LibraryError."""
        if await self._workers.wait(self._library.verify_vectors):
            await self._workers.wait(self._indexer.recount)

    def _is_damaged(self, _: Cancellation) -> bool:
        """Whether rows of the library are damaged."""
        try:
            damaged = self._library.has_damage()
        except LibraryError as error:
            log.error("%s", error)
            return False
        if damaged:
            log.error("%s has damaged rows; the service restarts without them", self._library.path)
        return damaged

    def _is_rescued(self, all_of_it: bool) -> bool:
        """Whether the library was lost and has been copied from what is still open, so that a
        restart opens the copy.

        Where it wasn't lost, changes are written to the disk: all if `all_of_it`, else only what
        the user has changed.
        """
        library = self._library
        try:
            if library.is_lost():
                rescued = library.rescue()
                os.environ[RESCUED] = json.dumps(rescued.to_message(), default=os.fsdecode)
                log.error("%s; the service restarts", rescued)
                return True
            if all_of_it or library.last_error or self._summary.is_outdated():
                library.checkpoint()
                self._summary.update()
                library.last_error = None
        except (LibraryError, OSError) as error:
            if isinstance(error, LibraryError):
                said = error.reason
            else:  # one that comes of writing doesn't name the file
                where = error.filename or os.path.dirname(library.path)
                said = PATH(path=where, reason=from_system(error))
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    said = reasons.DISK_FULL(path=where)
            if library.is_lost():
                said = reasons.NOT_MADE_ANEW(path=library.path, reason=said)
            if said != library.last_error:
                log.error("%s", said)
            library.last_error = said
        return False
