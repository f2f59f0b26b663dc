"""The operations on saved searches."""

from __future__ import annotations

from csearch.protocol.wire import Message
from csearchd import limits
from csearchd.concurrency.workers import Workers
from csearchd.errors import RequestError
from csearchd.library.library import Library
from csearchd.library.saved import store
from csearchd.library.saved.store import SavedPicture, SavedSearch
from csearchd.reasons import Reason
from csearchd.reasons import commands as reasons
from csearchd.requests.exchange import Exchange
from csearchd.requests.saved import (
    SavedAddRequest,
    SavedRemoveRequest,
    SavedRenameRequest,
    SavedRequest,
)
from csearchd.serve.client_paths import ClientPaths
from csearchd.serve.handlers.queries import QueryResolver
from csearchd.serve.operations import Handlers
from csearchd.serve.saved.queries import fields_of, trouble, understood
from csearchd.serve.saved.upkeep import SavedUpkeep


class SavedHandlers:
    """`saved`, `saved-add`, `saved-rename`, `saved-remove`."""

    def __init__(
        self,
        library: Library,
        upkeep: SavedUpkeep,
        queries: QueryResolver,
        paths: ClientPaths,
        workers: Workers,
    ) -> None:
        self._library = library
        self._upkeep = upkeep
        self._queries = queries
        self._paths = paths
        self._workers = workers

    def handlers(self) -> Handlers:
        return {
            SavedRequest: self._list,
            SavedAddRequest: self._add,
            SavedRenameRequest: self._rename,
            SavedRemoveRequest: self._remove,
        }

    async def _list(self, request: SavedRequest, exchange: Exchange) -> Message:
        if request.name is None:
            searches = await self._workers.answer(store.read, self._library)
        else:
            found = await self._workers.answer(store.find, self._library, request.name)
            if found is None:
                raise _missing(request.name)
            searches = [found]
        return {"searches": await self._workers.wait(self._described, searches)}

    def _described(self, searches: list[SavedSearch]) -> list[Message]:
        described = []
        for search in searches:
            name = search.name
            fields = {"name": name, **fields_of(search), "folder": self._upkeep.folder(name)}
            if (links := self._upkeep.links.get(name)) is not None:
                fields["links"] = links
            if reason := (
                trouble(search, self._queries)
                or self._upkeep.troubles.get(name)
                or self._lost_scope(search)
            ):
                fields["reason"] = reason.to_message()
            described.append(fields)
        return described

    def _lost_scope(self, search: SavedSearch) -> Reason | None:
        """That a directory to search below isn't known, or not any more; None if all are."""
        with self._library.memory_lock:
            lost = [path for path in search.scopes if self._library.tree.find(path) is None]
        return reasons.SAVED_SCOPE_UNKNOWN(path=lost[0]) if lost else None

    async def _add(self, request: SavedAddRequest, exchange: Exchange) -> Message:
        _check_name(request.name)
        scopes: list[bytes] = list(request.scopes or ())
        if not request.restored:
            scopes = [await self._workers.wait(self._paths.directory, path) for path in scopes]
        pictures = [
            SavedPicture(picture.span.start, picture.span.end, picture.path)
            for picture in request.pictures or ()
            if picture.span
        ]
        search = SavedSearch(
            request.name,
            request.query,
            tuple(dict.fromkeys(scopes)),
            tuple(pictures),
            None if request.top is None else min(request.top, limits.RESULTS),
            request.sort,
            request.min_confidence,
            bool(request.reverse),
        )
        if not request.restored:
            await self._workers.wait(understood, search, self._queries)
        replace = bool(request.replace)
        if not await self._workers.wait(store.add, self._library, search, replace):
            raise RequestError("bad-request", reasons.SAVED_SEARCH_EXISTS(name=search.name))
        await self._upkeep.update(search)
        return {"folder": self._upkeep.folder(search.name)}

    async def _rename(self, request: SavedRenameRequest, exchange: Exchange) -> Message:
        _check_name(request.new)
        try:
            found = await self._upkeep.rename(request.name, request.new)
        except KeyError:
            taken = reasons.SAVED_NAME_TAKEN(name=request.new)
            raise RequestError("bad-request", taken) from None
        if not found:
            raise _missing(request.name)
        return {"folder": self._upkeep.folder(request.new)}

    async def _remove(self, request: SavedRemoveRequest, exchange: Exchange) -> Message:
        kept = await self._upkeep.remove(request.name)
        if kept is None:
            raise _missing(request.name)
        return {"folder": self._upkeep.folder(request.name), "kept": kept}


def _missing(name: bytes) -> RequestError:
    return RequestError("not-found", reasons.NO_SAVED_SEARCH(name=name[: limits.SAVED_NAME]))


def _check_name(name: bytes) -> None:
    """Raises RequestError unless a folder can be called so."""
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name or len(name) > limits.SAVED_NAME:
        shown = name[: limits.SAVED_NAME]
        raise RequestError("bad-request", reasons.NOT_A_SAVED_NAME(name=shown))
