"""The operations `complete` and `history-clear`: what a shell offers while a query is typed."""

from __future__ import annotations

import logging
import os

from csearch.protocol.wire import Message
from csearchd import limits
from csearchd.library import concepts, roots
from csearchd.models.catalogue import RECOMMENDED
from csearchd.models.installed import installed_models
from csearchd.search.concepts import aliases
from csearchd.search.query_language.grammar import FILTERS
from csearchd.serve.handlers import offers
from csearchd.serve.handlers.arguments import text_argument
from csearchd.serve.handlers.offers import Values
from csearchd.serve.request import Request, RequestError
from csearchd.serve.service import Service

log = logging.getLogger(__name__)


async def complete(service: Service, request: Request) -> Message:
    """See csearch.protocol.wire."""
    what, prefix = request.message.get("what"), request.message.get("prefix", "")
    values = _VALUES.get(str(what))
    if values is None:
        raise RequestError("bad-request", f"what must be one of {', '.join(_VALUES)}")
    prefix = text_argument(prefix, "prefix", limits.VALUE)
    found = await service.run(values, service, prefix)
    service.begin("preparing completion", offers.prepare, service)
    return {"values": found[: offers.MOST]}


async def clear(service: Service, request: Request) -> Message:
    try:
        return {"queries": await service.wait(service.history.clear)}
    except OSError as error:
        raise RequestError("library", _unusable(service, error)) from error


async def forget(service: Service, path: bytes) -> None:
    """Drops the past queries that name a path. Raises RequestError."""
    try:
        await service.wait(service.history.forget, path)
    except OSError as error:
        raise RequestError("library", _unusable(service, error)) from error


def remember(service: Service, message: Message) -> None:
    """Keeps the query of a `search` that asks for it, where the user wants that, for completion,
    which is made ready.

    A picture that is named by its place relative to a directory means nothing in another one.
    """
    if not message.get("remember") or not service.config.history.keep:
        return
    offers.prepare(service)
    query = str(message["query"])
    for picture in message.get("pictures") or ():
        start = picture.get("start")
        if start is not None and not query.startswith(("/", "http", "file:"), start):
            return
    try:
        service.history.add(query)
    except OSError as error:
        log.warning("%s; the query is not kept", _unusable(service, error))


def _unusable(service: Service, error: OSError) -> str:
    # Not the error's own name of the file: one that comes of writing has none.
    return f"{service.paths.history}: {error.strerror or error}"


def _queries(service: Service, prefix: str) -> list[str]:
    try:
        return service.history.beginning(prefix, offers.MOST) if service.config.history.keep else []
    except OSError:
        return []


def _roots(service: Service, prefix: str) -> list[str]:
    """Those whose names can be typed."""
    names = [os.fsdecode(path) for path in roots.roots(service.library)]
    return [name for name in names if name.startswith(prefix) and name.isprintable()]


def _concepts(service: Service, prefix: str) -> list[str]:
    return offers.beginning([concept.name for concept in concepts.read(service.library)], prefix)


def _taught(service: Service, prefix: str) -> list[str]:
    names = [alias for concept in concepts.read(service.library) for alias in aliases(concept.name)]
    return offers.beginning(sorted(dict.fromkeys(names)), prefix)


def _models(service: Service, prefix: str) -> list[str]:
    return offers.beginning(
        [model.name for model in installed_models(service.paths.models)], prefix
    )


_VALUES: dict[str, Values] = {
    "queries": _queries,
    "filters": offers.fixed(*FILTERS),
    "roots": _roots,
    "concepts": _concepts,
    "taught": _taught,
    "models": _models,
    "recommended": offers.fixed(*(model.name for model in RECOMMENDED)),
    **offers.FILTERS,
}
