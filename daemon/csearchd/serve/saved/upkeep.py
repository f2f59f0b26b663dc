"""Keeps the folders of saved searches filled with links to what these find: a chore of the running
service."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from datetime import date
from typing import NamedTuple

from csearchd import limits
from csearchd.concurrency.threads import Cancellation, setter
from csearchd.concurrency.workers import Workers
from csearchd.errors import LibraryError, ModelError, RequestError, TookTooLong, TooMany
from csearchd.library.library import Library
from csearchd.library.saved import store
from csearchd.library.saved.changes import ChangeNotes, Changes
from csearchd.library.saved.store import SavedSearch
from csearchd.models.active_model import Models
from csearchd.reasons import OTHER, PATH, Reason, from_system
from csearchd.reasons import service as reasons
from csearchd.requests.files import close_files
from csearchd.search.engine import Engine
from csearchd.search.image_query import PictureVector
from csearchd.search.request import SearchRequest
from csearchd.serve.client_paths import ClientPaths
from csearchd.serve.handlers.queries import QueryResolver
from csearchd.serve.indexing_wait import IndexingWait
from csearchd.serve.saved import folder
from csearchd.serve.saved.queries import understood
from csearchd.serve.saved.relevance import Relevance, Shown
from csearchd.watch.exclusion.marks import NOSEARCH

log = logging.getLogger(__name__)

_SETTLE_SECONDS = 0.3  # in which changes gather
_REST_SECONDS = 3.0  # between two rounds
_LOOK_SECONDS = 60.0  # between looks whether it is another day, or what has failed works now
_MAX_VECTORS = 100  # of pictures that the library doesn't know


class _Found(NamedTuple):
    """What a saved search finds."""

    paths: list[bytes]
    shown: Shown


class SavedUpkeep:
    """Made and used in the event loop."""

    def __init__(
        self,
        library: Library,
        models: Models,
        engine: Engine,
        queries: QueryResolver,
        paths: ClientPaths,
        indexing_wait: IndexingWait,
        workers: Workers,
    ) -> None:
        self._library = library
        self._models = models
        self._engine = engine
        self._queries = queries
        self._paths = paths
        self._indexing_wait = indexing_wait
        self._workers = workers
        self._relevance = Relevance(library, models, engine, indexing_wait)
        self._searches: list[SavedSearch] | None = None  # as they are stored, once they were read
        self._shown: dict[bytes, Shown] = {}  # by the search's name; none where it has failed
        self._data = os.fsencode(os.path.dirname(library.path))
        self._turn = asyncio.Lock()  # of whoever changes a folder
        self._vectors: dict[tuple[int, ...], PictureVector] = {}
        self._day = date.today()
        self.links: dict[bytes, int] = {}  # how many a folder has, by the search's name
        self.troubles: dict[bytes, Reason] = {}  # why a folder can't be kept up to date
        self._notes = ChangeNotes(library, lambda: models.active_model.row)
        self._news = asyncio.Event()  # the library may have changed
        library.on_commit(setter(self._news))

    def folder(self, name: bytes) -> bytes:
        """The path of a saved search's folder."""
        return os.path.join(self._data, b"saved", name)

    async def keep(self) -> None:
        """Brings the folders up to date whenever the library has changed, and at midnight."""
        self._news.set()
        while True:
            await self._changed()
            await asyncio.sleep(_SETTLE_SECONDS)
            self._news.clear()
            if (today := date.today()) != self._day:
                self._day = today
                self._shown.clear()
            try:
                await self._update_all()
            except LibraryError:  # status says it already
                self._searches = None
                self._shown.clear()
            except TookTooLong:  # what has changed is taken: all are to be asked, later
                self._searches = None
                self._shown.clear()
                self._news.set()
            await asyncio.sleep(_REST_SECONDS)

    async def _changed(self) -> None:
        """Waits for a change of the library, for another day, or to try what has failed again."""
        while not self._news.is_set():
            try:
                # Timers stand still while the machine sleeps.
                await asyncio.wait_for(self._news.wait(), _LOOK_SECONDS if self.links else None)
            except TimeoutError:
                if self.troubles or date.today() != self._day:
                    return

    async def _update_all(self) -> None:
        """Updates the folders that what has changed may concern. Raises LibraryError, and
        TookTooLong."""
        if not self._notes.started:
            if not await self._workers.answer(store.read, self._library):
                return
            await self._workers.wait(self._notes.start)
        changes = self._notes.take()
        if changes.searches or self._searches is None:
            self._searches = await self._workers.answer(store.read, self._library)
        if changes.everything:
            self._shown.clear()
        for search in await self._workers.answer(self._concerned, self._searches, changes):
            await self.update(search)

    def _concerned(self, searches: list[SavedSearch], changes: Changes) -> list[SavedSearch]:
        """The searches that are to be asked again. Raises LibraryError."""
        shown = {search: self._shown.get(search.name) for search in searches}
        known = [one for search, one in shown.items() if one and one.search == search]
        concerned = self._relevance.concerned(known, changes)
        still = {one.search for one, is_to in zip(known, concerned, strict=True) if not is_to}
        return [search for search in searches if search not in still]

    async def update(self, search: SavedSearch) -> None:
        """Fills the folder of a saved search, if there still is that search. Raises LibraryError,
        and TookTooLong."""
        async with self._turn:
            if search != await self._workers.answer(store.find, self._library, search.name):
                return
            self._shown.pop(search.name, None)
            try:
                found = await self._found(search)
                if found is None:
                    self._news.set()
                    return
                await self._workers.wait(self._fill, search.name, found.paths)
            except (RequestError, ModelError, OSError, TookTooLong, TooMany) as error:
                self._note(search.name, _reason(error, self.folder(search.name)))
            else:
                self.links[search.name] = len(found.paths)
                self._shown[search.name] = found.shown
                self.troubles.pop(search.name, None)

    async def rename(self, name: bytes, new: bytes) -> bool:
        """Renames a saved search and its folder. Returns whether it existed. Raises LibraryError,
        RequestError where the folder can't be renamed, or KeyError if another one is called
        `new`."""
        async with self._turn:
            if not await self._workers.wait(store.rename, self._library, name, new):
                return False
            if name != new:
                self._forget(name)
                path = self.folder(name)
                try:
                    await self._workers.wait(folder.move, path, self.folder(new))
                except OSError as error:
                    await self._workers.wait(store.rename, self._library, new, name)
                    raise _unchangeable(error, path) from error
            return True

    async def remove(self, name: bytes) -> bool | None:
        """Forgets a saved search, and removes its links. Returns whether its folder stays, since
        something else is in it; None if there is no such search. Raises LibraryError, and
        RequestError where the links can't be removed."""
        async with self._turn:
            if not await self._workers.answer(store.find, self._library, name):
                return None
            path = self.folder(name)
            self._shown.pop(name, None)
            self._news.set()  # the links that have gone come back where the rest fails
            try:
                kept = await self._workers.wait(folder.clear, path)
            except OSError as error:
                raise _unchangeable(error, path) from error
            await self._workers.wait(store.remove, self._library, name)
            self._forget(name)
            return kept

    def _forget(self, name: bytes) -> None:
        self._shown.pop(name, None)
        self.links.pop(name, None)
        self.troubles.pop(name, None)

    def _note(self, name: bytes, reason: Reason) -> None:
        self.links.setdefault(name, 0)
        if self.troubles.get(name) != reason:
            log.warning("the folder of the saved search %s: %s", os.fsdecode(name), reason)
            self.troubles[name] = reason

    async def _found(self, search: SavedSearch) -> _Found | None:
        """What a saved search finds; None if the model has changed meanwhile."""
        row = self._models.active_model.row
        request = await self._workers.wait(understood, search, self._queries)
        vectors = await self._picture_vectors(request, row)
        if request.top > limits.MANY:
            found = await self._workers.compute("explain", self._ask, search, request, vectors)
        else:
            found = await self._workers.answer_while_wanted(self._ask, search, request, vectors)
        return found if self._models.active_model.row == row else None

    def _ask(
        self,
        cancellation: Cancellation,
        search: SavedSearch,
        request: SearchRequest,
        vectors: dict[int, PictureVector],
    ) -> _Found:
        scope = self._indexing_wait.scope_of(search.scopes) if search.scopes else None
        request = self._queries.resolve(cancellation, request, vectors, scope)
        moment = self._relevance.moment(request)
        hits = self._engine.search(request).hits
        shown = self._relevance.shown(search, request, moment, hits)
        return _Found([hit.path for hit in hits], shown)

    async def _picture_vectors(self, request: SearchRequest, row: int) -> dict[int, PictureVector]:
        """The pictures that an understood request uses, by their numbers. Raises RequestError."""
        found: dict[int, PictureVector] = {}
        pictures = request.pictures or []
        for number in sorted({number for part in request.parts for number in part.pictures}):
            path = pictures[number].path
            opened = [await self._workers.wait(self._paths.ask, path, _open)]
            try:
                info = os.fstat(opened[0])
                key = (row, info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)
                vector = self._vectors.get(key)
                if vector is None:
                    vector = await self._queries.picture_vector(opened[0], path)
            finally:
                close_files(opened)
            if vector.content is None:  # it isn't to be encoded again
                if len(self._vectors) >= _MAX_VECTORS:
                    self._vectors.clear()
                self._vectors[key] = vector
            found[number] = vector
        return found

    def _fill(self, name: bytes, found: list[bytes]) -> None:
        """Fills a folder. Raises OSError."""
        mark = os.path.join(self._data, NOSEARCH)  # no scan goes in there
        with suppress(FileExistsError):
            os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        folder.fill(self.folder(name), found)


def _open(path: bytes) -> int:
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def _unchangeable(error: OSError, path: bytes) -> RequestError:
    return RequestError("library", PATH(path=path, reason=from_system(error)))


def _reason(error: Exception, path: bytes) -> Reason:
    """What went wrong in filling the folder at `path`."""
    if isinstance(error, OSError):
        return PATH(path=path, reason=from_system(error))
    if isinstance(error, TookTooLong):
        return reasons.TOOK_TOO_LONG(operation="search")
    if isinstance(error, TooMany):
        return reasons.TOO_MANY_QUESTIONS()
    assert isinstance(error, RequestError | ModelError)
    return error.reason or OTHER(text=str(error))
