"""The operations about concepts: what the user teaches by pictures."""

from __future__ import annotations

import os

from csearch.protocol.wire import Message
from csearchd import limits
from csearchd.errors import VocabularyError
from csearchd.library import concepts, listings
from csearchd.scoring.vocabulary import check_name
from csearchd.search.concepts import aliases
from csearchd.serve.handlers.arguments import is_path, resolved, shown, text_argument
from csearchd.serve.handlers.questions import look
from csearchd.serve.handlers.search import wait_for_reading
from csearchd.serve.request import Request, RequestError
from csearchd.serve.service import Service


async def teach(service: Service, request: Request) -> Message:
    """See csearch.protocol.wire."""
    name = _name(request.message.get("name"))
    paths = request.message.get("pictures")
    against = request.message.get("against", 0)
    if not isinstance(paths, list) or not all(isinstance(path, bytes) for path in paths):
        raise RequestError("bad-request", "pictures must be a list of paths (bin)")
    if not 0 < len(paths) <= limits.PICTURES or len(paths) != len(request.files):
        raise RequestError("bad-request", f"from 1 to {limits.PICTURES} pictures, with a file each")
    if type(against) is not int or not 0 <= against <= len(paths):
        raise RequestError("bad-request", "against must be the number of counter-examples")
    known = {concept.name.lower() for concept in await service.run(concepts.read, service.library)}
    if against == len(paths) and name.lower() not in known:
        raise RequestError("bad-request", f'"{name}" needs a picture that shows it')
    # What was never looked at becomes part of the library, as in a search.
    parents = dict.fromkeys(os.path.dirname(path) for path in paths if is_path(path))
    new = [p for p in parents if not await service.run(listings.was_scanned, service.library, p)]
    if new:
        places = [await service.wait(resolved, service, path) for path in new]
        await wait_for_reading(service, request, places)
    contents = []
    for path, file in zip(paths, request.files, strict=True):
        content = (await look(service, file, path)).content
        if content is None and (parent := os.path.dirname(path)) in parents:
            place = await service.wait(resolved, service, parent)
            await wait_for_reading(service, request, [place])
            content = (await look(service, file, path)).content
        if content is None:
            raise RequestError(
                "picture",
                f"{shown(path)}: examples must be in a directory that "
                "csearch knows; csearchctl add DIR makes it known",
            )
        contents.append(content)
    split = len(contents) - against
    concept = await service.wait(
        concepts.add, service.library, name, contents[:split], contents[split:]
    )
    service.concepts.changed()
    return {**_described(concept), "new": name.lower() not in known}


async def list_concepts(service: Service, request: Request) -> Message:
    """See csearch.protocol.wire."""
    known = await service.run(concepts.read, service.library)
    return {"concepts": [_described(concept) for concept in known]}


async def rename(service: Service, request: Request) -> Message:
    """See csearch.protocol.wire."""
    name = text_argument(request.message.get("name"), "name")
    new = _name(request.message.get("new"))
    try:
        found = await service.wait(concepts.rename, service.library, name, new)
    except KeyError:
        raise RequestError("bad-request", f'there is a concept "{new}" already') from None
    return await _changed(service, name, found)


async def remove(service: Service, request: Request) -> Message:
    """See csearch.protocol.wire."""
    name = text_argument(request.message.get("name"), "name")
    return await _changed(service, name, await service.wait(concepts.remove, service.library, name))


async def _changed(service: Service, name: str, found: bool) -> Message:
    if not found:
        raise RequestError(
            "not-found", f'there is no concept "{name}"; csearchctl concepts lists them'
        )
    service.concepts.changed()
    return {}


def _described(concept: concepts.Concept) -> Message:
    return {
        "name": concept.name,
        "examples": len(concept.examples),
        "against": len(concept.counters),
        "called": sorted(aliases(concept.name), key=len),
    }


def _name(given: object) -> str:
    """Raises RequestError."""
    name = " ".join(text_argument(given, "a concept's name").split()) if given else ""
    if not name:
        raise RequestError("bad-request", "a concept needs a name")
    try:
        check_name(name, "a concept's name")
    except VocabularyError as error:
        raise RequestError("bad-request", str(error)) from None
    return name
