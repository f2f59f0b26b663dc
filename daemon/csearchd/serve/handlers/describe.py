"""The operation `describe`: what is known of many files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable

from csearch.protocol.wire import Message
from csearchd.concurrency.threads import Cancellation
from csearchd.concurrency.workers import Workers
from csearchd.errors import RequestError, TagsError
from csearchd.library.library import Library
from csearchd.library.metadata.details import details, snapshot
from csearchd.library.tree import DirectoryTree
from csearchd.models.active_model import Models
from csearchd.requests.exchange import Exchange
from csearchd.requests.library import DescribeRequest
from csearchd.search.request import Hit, SearchRequest
from csearchd.serve.client_paths import ClientPaths
from csearchd.serve.handlers.explanation import Explanations
from csearchd.serve.handlers.hits import Hits, tell_date
from csearchd.serve.handlers.queries import QueryResolver
from csearchd.serve.operations import Handlers
from csearchd.tags.tag_scorer import TagScorer
from csearchd.validation import AbsolutePath

_WORDS = 5  # for a picture
_PARAMETERS = 500  # of a statement

_Place = tuple[int, bytes]  # a directory's id, and a name in it
_File = tuple[int, int | None]  # ids of a file and of its content


class DescribeHandlers:
    def __init__(
        self,
        library: Library,
        models: Models,
        scoring: TagScorer,
        queries: QueryResolver,
        hits: Hits,
        explanations: Explanations,
        paths: ClientPaths,
        workers: Workers,
    ) -> None:
        self._library = library
        self._models = models
        self._scoring = scoring
        self._queries = queries
        self._hits = hits
        self._explanations = explanations
        self._paths = paths
        self._workers = workers

    def handlers(self) -> Handlers:
        return {DescribeRequest: self._describe}

    async def _describe(self, request: DescribeRequest, exchange: Exchange) -> Message:
        parents = await self._workers.wait(self._parents, request.paths)
        search = await self._understood(request.query) if request.query.strip() else None
        files = await self._workers.compute("explain", self._files, request, parents, search)
        return {"files": files}

    async def _understood(self, query: str) -> SearchRequest:
        """Raises RequestError."""
        search = SearchRequest(query=query, top=1, why=True)
        search = await self._workers.wait(self._queries.understand, search)
        return await self._workers.answer_while_wanted(self._queries.resolve, search, {}, None)

    def _parents(self, paths: list[bytes]) -> dict[bytes, bytes]:
        """Returns the real paths of the files' directories."""
        absolute = {os.path.dirname(path) for path in paths if AbsolutePath.is_valid(path)}
        return {parent: self._paths.resolve(parent) for parent in absolute}

    def _files(
        self,
        cancellation: Cancellation,
        request: DescribeRequest,
        parents: dict[bytes, bytes],
        search: SearchRequest | None,
    ) -> list[Message]:
        """Returns a message for each path, which is empty where nothing is known."""
        with self._library.read() as database, snapshot(database):
            with self._library.memory_lock:
                places = _places(self._library.tree, request.paths, parents)
            known = _files(database, places)
            told = details(database, [file for file, _ in known.values()])
        if request.places:
            self._hits.name_places(list(told.values()))
        words = {} if request.quick else self._words(cancellation, list(told))
        why = self._why(cancellation, search, list(known.values())) if search else {}
        found: list[Message] = []
        for place in places:
            file, _ = known.get(place, (None, None)) if place else (None, None)
            if file is None:
                found.append({})
                continue
            fields = told.get(file, {})
            shown: Message = {"keywords": fields.pop("keywords", []), "words": words.get(file, [])}
            if request.details:
                tell_date(fields)
                shown["details"] = fields
            if file in why:
                shown["why"] = why[file]
            found.append(shown)
        return found

    def _why(
        self, cancellation: Cancellation, search: SearchRequest, files: list[_File]
    ) -> dict[int, Message]:
        """Returns why files match what is asked, by their ids; nothing of those not yet read."""
        hits = [Hit(b"", None, file, content) for file, content in files if content is not None]
        told, _ = self._explanations.of_hits(cancellation, search, hits)
        return {hit.file: why for hit, why in zip(hits, told, strict=True) if why}

    def _words(self, cancellation: Cancellation, files: list[int]) -> dict[int, list[str]]:
        """Returns words for what the pictures show, the surest first. Raises RequestError."""
        found: dict[int, list[str]] = {}
        try:
            for start in range(0, len(files), _PARAMETERS):
                cancellation.check()
                part = files[start : start + _PARAMETERS]
                scored = self._scoring.tags(self._models.active_model, part)
                found |= {
                    file: [word for word, _ in words[:_WORDS]] for file, words in scored.items()
                }
        except TagsError as error:
            raise RequestError("bad-request", error.reason) from error
        return found


def _places(
    tree: DirectoryTree, paths: list[bytes], parents: dict[bytes, bytes]
) -> list[_Place | None]:
    """Returns where each file is. `parents` are the real paths of their directories."""
    directories = {parent: tree.find(real) for parent, real in parents.items()}
    places: list[_Place | None] = []
    for path in paths:
        parent, name = os.path.split(path)
        directory = directories.get(parent)
        places.append(None if directory is None else (directory, name))
    return places


def _files(database: sqlite3.Connection, places: Iterable[_Place | None]) -> dict[_Place, _File]:
    """Returns the files that the library knows."""
    names: dict[int, list[bytes]] = {}
    for place in places:
        if place:
            names.setdefault(place[0], []).append(place[1])
    found: dict[_Place, _File] = {}
    for directory, wanted in names.items():
        for start in range(0, len(wanted), _PARAMETERS):
            part = wanted[start : start + _PARAMETERS]
            rows = database.execute(
                "SELECT name, id, content FROM files WHERE directory = ? AND name IN "
                f"({','.join('?' * len(part))})",
                (directory, *part),
            )
            found.update(((directory, name), (file, content)) for name, file, content in rows)
    return found
