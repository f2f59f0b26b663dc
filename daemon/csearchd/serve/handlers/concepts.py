"""The operations on concepts, which the user teaches by pictures."""

from __future__ import annotations

import os

from csearch.protocol.wire import Message
from csearchd import limits
from csearchd.concurrency.workers import Workers
from csearchd.errors import RequestError, VocabularyError
from csearchd.library import concepts, listings
from csearchd.library.library import Library
from csearchd.reasons import commands as reasons
from csearchd.requests.concepts import (
    ConceptRemoveRequest,
    ConceptRenameRequest,
    ConceptsRequest,
    TeachRequest,
)
from csearchd.requests.exchange import Exchange
from csearchd.scoring.vocabulary import check_name
from csearchd.search.concepts import Concepts, aliases
from csearchd.serve.client_paths import ClientPaths
from csearchd.serve.handlers.queries import QueryResolver
from csearchd.serve.indexing_wait import IndexingWait
from csearchd.serve.operations import Handlers
from csearchd.spelling import folded
from csearchd.validation import AbsolutePath


class ConceptHandlers:
    """`teach`, `concepts`, `concept-rename`, `concept-remove`."""

    def __init__(
        self,
        library: Library,
        known_concepts: Concepts,
        queries: QueryResolver,
        paths: ClientPaths,
        indexing_wait: IndexingWait,
        workers: Workers,
    ) -> None:
        self._library = library
        self._concepts = known_concepts
        self._queries = queries
        self._paths = paths
        self._indexing_wait = indexing_wait
        self._workers = workers

    def handlers(self) -> Handlers:
        return {
            TeachRequest: self._teach,
            ConceptsRequest: self._list,
            ConceptRenameRequest: self._rename,
            ConceptRemoveRequest: self._remove,
        }

    async def _teach(self, request: TeachRequest, exchange: Exchange) -> Message:
        name = _name(request.name)
        known = {folded(concept.name) for concept in await self._read()}
        if request.against == len(request.pictures) and folded(name) not in known:
            raise RequestError("bad-request", f'"{name}" needs a picture that shows it')
        found = await self._contents(request.pictures, exchange)
        split = len(found) - request.against
        concept = await self._workers.wait(
            concepts.add, self._library, name, found[:split], found[split:]
        )
        self._concepts.changed()
        return {**_described(concept), "new": folded(name) not in known}

    async def _contents(self, paths: list[bytes], exchange: Exchange) -> list[int]:
        """Returns the contents of pictures. Directories never seen before are read first, as in a
        search. Raises RequestError."""
        parents = dict.fromkeys(os.path.dirname(p) for p in paths if AbsolutePath.is_valid(p))
        new = [p for p in parents if not await self._workers.answer(self._was_scanned, p)]
        if new:
            places = [await self._workers.wait(self._paths.resolve, path) for path in new]
            await self._indexing_wait.wait_for(exchange, places)
        found = []
        for path, file in zip(paths, exchange.files, strict=True):
            content = (await self._queries.picture_vector(file, path)).content
            if content is None and (parent := os.path.dirname(path)) in parents:
                place = await self._workers.wait(self._paths.resolve, parent)
                await self._indexing_wait.wait_for(exchange, [place])
                content = (await self._queries.picture_vector(file, path)).content
            if content is None:
                raise RequestError("picture", reasons.EXAMPLE_UNKNOWN(path=path))
            found.append(content)
        return found

    async def _list(self, request: ConceptsRequest, exchange: Exchange) -> Message:
        return {"concepts": [_described(concept) for concept in await self._read()]}

    async def _rename(self, request: ConceptRenameRequest, exchange: Exchange) -> Message:
        new = _name(request.new)
        try:
            found = await self._workers.wait(concepts.rename, self._library, request.name, new)
        except KeyError:
            raise RequestError("bad-request", reasons.CONCEPT_EXISTS(name=new)) from None
        return self._changed(request.name, found)

    async def _remove(self, request: ConceptRemoveRequest, exchange: Exchange) -> Message:
        found = await self._workers.wait(concepts.remove, self._library, request.name)
        return self._changed(request.name, found)

    def _changed(self, name: str, found: bool) -> Message:
        if not found:
            raise RequestError("not-found", reasons.NO_CONCEPT(name=name))
        self._concepts.changed()
        return {}

    async def _read(self) -> list[concepts.Concept]:
        return await self._workers.answer(concepts.read, self._library)

    def _was_scanned(self, path: bytes) -> bool:
        return listings.was_scanned(self._library, path)


def _described(concept: concepts.Concept) -> Message:
    return {
        "name": concept.name,
        "examples": len(concept.examples),
        "against": len(concept.counters),
        "called": sorted(aliases(concept.name), key=len),
    }


def _name(given: str) -> str:
    """Returns a concept's name without superfluous blanks. Raises RequestError."""
    name = " ".join(given.split())
    if not name:
        raise RequestError("bad-request", "a concept needs a name")
    if len(given) > limits.NAME:
        text = f"a concept's name has {len(given)} characters; at most {limits.NAME}"
        raise RequestError("bad-request", text)
    try:
        check_name(name, "a concept's name")
    except VocabularyError as error:
        raise RequestError("bad-request", error.reason) from None
    return name
