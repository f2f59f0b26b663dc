"""The operation `describe`: what is known of many files, for those who show files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable

from csearch.protocol.wire import Message
from csearchd import limits
from csearchd.concurrency.threads import Until
from csearchd.errors import TagsError
from csearchd.library.metadata.details import details, snapshot
from csearchd.library.tree import DirectoryTree
from csearchd.serve.handlers.arguments import is_path, resolved
from csearchd.serve.request import Request, RequestError
from csearchd.serve.service import Service

_WORDS = 5  # for a picture
_PARAMETERS = 500  # of a statement


async def describe(service: Service, request: Request) -> Message:
    """See csearch.protocol.wire."""
    paths = request.message.get("paths")
    if not isinstance(paths, list) or not all(isinstance(path, bytes) for path in paths):
        raise RequestError("bad-request", "paths must be a list of paths (bin)")
    if len(paths) > limits.DESCRIBED:
        raise RequestError("bad-request", f"more than {limits.DESCRIBED} files at a time")
    whole = bool(request.message.get("details"))
    parents = await service.wait(_parents, service, paths)
    return {"files": await service.slow("explain", _describe, service, paths, parents, whole)}


def _parents(service: Service, paths: list[bytes]) -> dict[bytes, bytes]:
    """The directories of some paths, and where they really are."""
    absolute = {os.path.dirname(path) for path in paths if is_path(path)}
    return {parent: resolved(service, parent) for parent in absolute}


def _describe(
    until: Until, service: Service, paths: list[bytes], parents: dict[bytes, bytes], whole: bool
) -> list[Message]:
    """One for each path, empty where nothing is known."""
    with service.library.read() as database, snapshot(database):
        with service.library.memory_lock:
            places = _places(service.library.tree, paths, parents)
        known = _files(database, places)
        told = details(database, known.values())
    words = _words(until, service, list(known.values()))
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


_Place = tuple[int, bytes]  # a directory's id, and a name in it


def _places(
    tree: DirectoryTree, paths: list[bytes], parents: dict[bytes, bytes]
) -> list[_Place | None]:
    """`parents`: the real paths of their directories, which the disk may take long to tell."""
    directories = {parent: tree.find(real) for parent, real in parents.items()}
    places: list[_Place | None] = []
    for path in paths:
        parent, name = os.path.split(path)
        directory = directories.get(parent)
        places.append(None if directory is None else (directory, name))
    return places


def _files(database: sqlite3.Connection, places: Iterable[_Place | None]) -> dict[_Place, int]:
    """The ids of those that are known."""
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


def _words(until: Until, service: Service, files: list[int]) -> dict[int, list[str]]:
    """What the pictures show, the surest first. Raises RequestError."""
    found: dict[int, list[str]] = {}
    try:
        for start in range(0, len(files), _PARAMETERS):
            until.check()
            part = files[start : start + _PARAMETERS]
            scored = service.tagging.scoring.words(service.models.active_model, part)
            found |= {file: [word for word, _ in words[:_WORDS]] for file, words in scored.items()}
    except TagsError as error:
        raise RequestError("bad-request", str(error)) from error
    return found
