"""The operations `complete`, `history` and `history-clear`: past queries, and what a shell offers
while a query is typed."""

from __future__ import annotations

import logging
import os

from csearch.protocol.wire import Message
from csearchd.concurrency.workers import Workers
from csearchd.errors import RequestError
from csearchd.library import concepts, roots
from csearchd.library.library import Library
from csearchd.library.saved import store as saved
from csearchd.models.catalogue import RECOMMENDED
from csearchd.models.installed import installed_models
from csearchd.reasons import PATH, Reason, from_system
from csearchd.requests.completion import CompleteRequest, HistoryClearRequest, HistoryRequest
from csearchd.requests.exchange import Exchange
from csearchd.search.concepts import aliases
from csearchd.search.history import MAX_QUERIES, History
from csearchd.search.query_language.grammar import FILTERS
from csearchd.search.request import SearchRequest
from csearchd.serve.configuration import Configuration
from csearchd.serve.handlers.filter_values import MAX_VALUES, FilterValues, Values, beginning, fixed
from csearchd.serve.operations import Handlers

log = logging.getLogger(__name__)

_SLOW = frozenset(("near",))  # what reads files


class CompletionHandlers:
    """Also keeps the queries of searches, and forgets them."""

    def __init__(
        self,
        library: Library,
        history: History,
        history_path: str,
        models_path: str,
        filter_values: FilterValues,
        configuration: Configuration,
        workers: Workers,
    ) -> None:
        self._library = library
        self._history = history
        self._history_path = history_path
        self._models_path = models_path
        self._configuration = configuration
        self._workers = workers
        self._values: dict[str, Values] = {
            "queries": self.past_queries,
            "filters": fixed(*FILTERS),
            "roots": self._roots,
            "concepts": self._concepts,
            "saved": self._saved,
            "taught": self._taught,
            "models": self._models,
            "recommended": fixed(*(model.name for model in RECOMMENDED)),
            **filter_values.by_name,
        }

    def handlers(self) -> Handlers:
        return {
            CompleteRequest: self._complete,
            HistoryRequest: self._list,
            HistoryClearRequest: self._clear,
        }

    async def _complete(self, request: CompleteRequest, exchange: Exchange) -> Message:
        values = self._values.get(request.what)
        if values is None:
            raise RequestError("bad-request", f"what must be one of {', '.join(self._values)}")
        run = self._workers.wait if request.what in _SLOW else self._workers.answer
        found = await run(values, request.prefix)
        return {"values": found[:MAX_VALUES]}

    async def _list(self, request: HistoryRequest, exchange: Exchange) -> Message:
        keeps = self._configuration.current.history.keep
        try:
            queries = await self._workers.answer(self._history.beginning, "", MAX_QUERIES)
        except OSError as error:
            raise RequestError("library", self._unusable(error)) from error
        return {"queries": queries, "keeps": keeps}

    async def _clear(self, request: HistoryClearRequest, exchange: Exchange) -> Message:
        try:
            return {"queries": await self._workers.wait(self._history.clear)}
        except OSError as error:
            raise RequestError("library", self._unusable(error)) from error

    async def forget(self, path: bytes) -> None:
        """Deletes the past queries that name a path. Raises RequestError."""
        try:
            await self._workers.wait(self._history.forget, path)
        except OSError as error:
            raise RequestError("library", self._unusable(error)) from error

    def remember(self, request: SearchRequest) -> None:
        """Keeps the query of a search that asks for it, unless the user doesn't want that.

        A query with a picture named relative to a directory is not kept: it means nothing
        elsewhere.
        """
        if not request.remember or not self._configuration.current.history.keep:
            return
        query = request.query
        for picture in request.pictures or ():
            start = picture.start
            if start is not None and not query.startswith(("/", "http", "file:"), start):
                return
        try:
            self._history.add(query)
        except OSError as error:
            log.warning("%s; the query is not kept", self._unusable(error))

    def _unusable(self, error: OSError) -> Reason:
        # Not the error's own name of the file: one that comes of writing has none.
        return PATH(path=self._history_path, reason=from_system(error))

    def past_queries(self, prefix: str) -> list[str]:
        """Returns those that begin with `prefix`, the latest first; none where they aren't kept."""
        if not self._configuration.current.history.keep:
            return []
        try:
            return self._history.beginning(prefix, MAX_VALUES)
        except OSError:
            return []

    def _roots(self, prefix: str) -> list[str]:
        """The roots whose names can be typed."""
        names = [os.fsdecode(path) for path in roots.roots(self._library)]
        return [name for name in names if name.startswith(prefix) and name.isprintable()]

    def _concepts(self, prefix: str) -> list[str]:
        return beginning([concept.name for concept in concepts.read(self._library)], prefix)

    def _saved(self, prefix: str) -> list[str]:
        """The saved searches whose names are text."""
        names = [os.fsdecode(search.name) for search in saved.read(self._library)]
        return beginning([name for name in names if name.isprintable()], prefix)

    def _taught(self, prefix: str) -> list[str]:
        known = concepts.read(self._library)
        names = [alias for concept in known for alias in aliases(concept.name)]
        return beginning(sorted(dict.fromkeys(names)), prefix)

    def _models(self, prefix: str) -> list[str]:
        return beginning([model.name for model in installed_models(self._models_path)], prefix)
