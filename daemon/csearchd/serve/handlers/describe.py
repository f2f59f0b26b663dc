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
from csearchd.serve.client_paths import ClientPaths
from csearchd.serve.operations import Handlers
from csearchd.tags.tag_scorer import TagScorer
from csearchd.validation import AbsolutePath

_WORDS = 5  # for a picture
_PARAMETERS = 500  # of a statement

_Place = tuple[int, bytes]  # a directory's id, and a name in it


class DescribeHandlers:
    def __init__(
        self,
        library: Library,
        models: Models,
        scoring: TagScorer,
        paths: ClientPaths,
        workers: Workers,
    ) -> None:
        self._library = library
        self._models = models
        self._scoring = scoring
        self._paths = paths
        self._workers = workers

    def handlers(self) -> Handlers:
        return {DescribeRequest: self._describe}

    async def _describe(self, request: DescribeRequest, exchange: Exchange) -> Message:
        parents = await self._workers.wait(self._parents, request.paths)
        whole = bool(request.details)
        files = await self._workers.compute("explain", self._files, request.paths, parents, whole)
        return {"files": files}

    def _parents(self, paths: list[bytes]) -> dict[bytes, bytes]:
        """Returns the real paths of the files' directories."""
        absolute = {os.path.dirname(path) for path in paths if AbsolutePath.is_valid(path)}
        return {parent: self._paths.resolve(parent) for parent in absolute}

    def _files(
        self,
        cancellation: Cancellation,
        paths: list[bytes],
        parents: dict[bytes, bytes],
        whole: bool,
    ) -> list[Message]:
        """Returns a message for each path, which is empty where nothing is known."""
        with self._library.read() as database, snapshot(database):
            with self._library.memory_lock:
                places = _places(self._library.tree, paths, parents)
            known = _files(database, places)
            told = details(database, known.values())
        words = self._words(cancellation, list(known.values()))
        found: list[Message] = []
        for place in places:
            file = known.get(place) if place else None
            if file is None:
                found.append({})
                continue
            fields = told.get(file, {})
            shown: Message = {"keywords": fields.pop("keywords", []), "words": words.get(file, [])}
            if whole:
                shown["details"] = fields
            found.append(shown)
        return found

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


def _files(database: sqlite3.Connection, places: Iterable[_Place | None]) -> dict[_Place, int]:
    """Returns the ids of the files that the library knows."""
    names: dict[int, list[bytes]] = {}
    for place in places:
        if place:
            names.setdefault(place[0], []).append(place[1])
    found: dict[_Place, int] = {}
    for directory, wanted in names.items():
        for start in range(0, len(wanted), _PARAMETERS):
            part = wanted[start : start + _PARAMETERS]
            rows = database.execute(
                "SELECT name, id FROM files WHERE directory = ? AND name IN "
                f"({','.join('?' * len(part))})",
                (directory, *part),
            )
            found.update(((directory, name), file) for name, file in rows)
    return found
