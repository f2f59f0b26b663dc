"""Why pictures are found: what `why` adds to a search, and the operation `regions`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from csearch.protocol.wire import Message
from csearchd.concurrency.threads import Cancellation
from csearchd.concurrency.workers import Workers
from csearchd.encoder.messages import METHOD
from csearchd.errors import ImageQueryError, RequestError, TagsError
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.reasons import Reason
from csearchd.reasons.commands import NO_REGIONS
from csearchd.requests.exchange import Exchange
from csearchd.requests.files import SharedFile
from csearchd.search import explanation, filters
from csearchd.search.engine import Engine
from csearchd.search.image_query import ImageQueries, Picture
from csearchd.search.query_language.query_vector import Vector
from csearchd.search.request import Hit, RegionsRequest, SearchRequest
from csearchd.serve.handlers.queries import QueryResolver, picture_error
from csearchd.serve.operations import Handlers
from csearchd.tags.tag_scorer import TagScorer


class Explanations:
    """Used in threads for slow questions."""

    def __init__(
        self, library: Library, models: Models, engine: Engine, scoring: TagScorer
    ) -> None:
        self._library = library
        self._models = models
        self._engine = engine
        self._scoring = scoring

    def of_hits(
        self, cancellation: Cancellation, request: SearchRequest, hits: Sequence[Hit]
    ) -> tuple[list[Message], Reason | None]:
        """Returns for each hit of a search why it was found (its `why`), and perhaps a remark.
        Raises LibraryError."""
        active_model = self._models.active_model
        contents = np.array([hit.content for hit in hits], np.int32)
        if request.model != active_model.row or request.vector is None or not hits:
            return [{} for _ in hits], None  # of another model, or there is nothing to say
        if not active_model.table.has(contents).all():
            return [{} for _ in hits], None
        vectors = active_model.table.vectors(contents)
        cancellation.check()
        calibration = self._engine.calibration(active_model)
        parts = explanation.met(request.query_terms, request.vector, calibration, vectors)
        remark = None
        try:
            terms = self._scoring.shared_tags(active_model, vectors, request.vector)
        except TagsError as error:
            terms, remark = [[] for _ in hits], error.reason
        return [
            {"parts": told, "terms": names} for told, names in zip(parts, terms, strict=True)
        ], remark

    def of_filters(self, cancellation: Cancellation, request: SearchRequest) -> Message:
        """Returns what the filters did, {scope, left, filters: [{text, files, start, end}]}: how
        many files are in the scope, meet all filters, and meet each, and where in the query that
        stands. Raises LibraryError."""
        library = self._library
        with library.memory_lock:
            catalogue = library.catalogue
            inside = catalogue.pictures(catalogue.files_in(request.scope))
        masks = [
            filters.chosen(library, [condition], len(inside), cancellation.check) & inside
            for condition in request.conditions
        ]
        left = np.logical_and.reduce(masks) if masks else inside
        told = [
            {
                "text": str(condition.filter),
                "files": int(np.count_nonzero(mask)),
                "start": condition.filter.start,
                "end": condition.filter.end,
            }
            for condition, mask in zip(request.conditions, masks, strict=True)
        ]
        return {
            "scope": int(np.count_nonzero(inside)),
            "left": int(np.count_nonzero(left)),
            "filters": told,
        }


class RegionHandlers:
    def __init__(
        self, image_queries: ImageQueries, queries: QueryResolver, workers: Workers
    ) -> None:
        self._image_queries = image_queries
        self._queries = queries
        self._workers = workers

    def handlers(self) -> Handlers:
        return {RegionsRequest: self._regions}

    async def _regions(self, request: RegionsRequest, exchange: Exchange) -> Message:
        if not exchange.files:
            raise RequestError("bad-request", "the picture must come along as the last file")
        *files, picture = exchange.files
        search = SearchRequest(
            query=request.query,
            pictures=request.pictures,
            files=len(files),
            label=request.label,
            blend=request.blend,
            language=request.language,
            top=1,
        )
        # The names of places may have to be read.
        search = await self._workers.wait(self._queries.understand, search)
        vectors = await self._queries.picture_vectors(search, files)
        search = await self._workers.answer_while_wanted(
            self._queries.resolve, search, vectors, None
        )
        if search.vector is None:
            raise RequestError("query", NO_REGIONS())
        with SharedFile(picture) as own:
            opened = await self._workers.wait(self._queries.open, own, request.path)
            try:
                png = await self._workers.compute("look", self._draw, own, opened, search.vector)
            except ImageQueryError as error:
                raise picture_error(request.path, error) from None
        return {"png": png, "method": METHOD}

    def _draw(
        self, cancellation: Cancellation, file: SharedFile, picture: Picture, query: Vector
    ) -> bytes:
        with file:
            return self._image_queries.regions(picture, query, cancellation)
