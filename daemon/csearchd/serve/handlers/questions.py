"""The `search` operation's arguments: checked, understood, and made a question for the engine."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from csearch.protocol.wire import MAX_REQUEST, Message
from csearchd import limits
from csearchd.concurrency.threads import Until
from csearchd.errors import CancelledError, ImageQueryError, QueryError
from csearchd.scoring.confidence import LEVELS
from csearchd.search import filters
from csearchd.search.explanation import QueryTerm, query_terms
from csearchd.search.filters import Condition
from csearchd.search.image_query import Picture, Seen
from csearchd.search.query_language import grammar
from csearchd.search.query_language.grammar import Part, Span
from csearchd.search.query_language.query_vector import Vector, blended, combined
from csearchd.search.request import ORDERS, Scope, SearchRequest
from csearchd.serve.handlers import arguments
from csearchd.serve.request import RequestError
from csearchd.serve.service import Service
from csearchd.serve.stream import SharedFile

_WAITS = ("first", "all", "none")
_BLEND = 0.5


@dataclass(frozen=True)
class Asked:
    """A search as it was asked for, understood as far as that is possible without the library."""

    parts: list[Part]
    conditions: list[Condition]
    pictures: list[bytes]  # their paths
    paths: list[object] | None  # directories as they were named; None: everywhere
    wait: str
    top: int
    offset: int
    order: str | None
    reverse: bool
    group: bool
    why: bool
    random: bool
    least: float | None
    least_level: int
    label: str
    blend: float
    count: bool
    details: bool
    places: bool


def understand(service: Service, message: Message) -> Asked:
    """What a `search` asks for (csearch.protocol.wire). Raises RequestError."""
    wait = message.get("wait", "first")
    if wait not in _WAITS:
        raise RequestError("bad-request", f"wait must be one of {', '.join(_WAITS)}")
    order = message.get("sort")
    if order is not None and order not in ORDERS:
        raise RequestError("bad-request", f"sort must be one of {', '.join(ORDERS)}")
    paths = message.get("scopes")
    if paths is not None and (not isinstance(paths, list) or not paths):
        raise RequestError("bad-request", "scopes must be a list of paths, or nil for everywhere")
    if paths is not None and len(paths) > limits.SCOPES:
        raise RequestError("bad-request", f"at most {limits.SCOPES} directories at a time")
    label = arguments.text_argument(message.get("label") or "", "label", limits.TEXT)
    blend = _number(message, "blend", _BLEND)
    assert blend is not None
    if not 0 <= blend <= 1:
        raise RequestError("bad-request", "blend must be from 0 (the label) to 1 (the picture)")
    pictures, spans = _pictures(message)
    query = arguments.text_argument(message.get("query"), "query", MAX_REQUEST)
    try:
        parts, conditions = _parts(service, query, pictures, spans, bool(message.get("random")))
    except QueryError as error:
        raise RequestError("query", str(error), start=error.start, end=error.end) from None
    if label.strip() and not any(part.pictures for part in parts):
        raise RequestError("query", "a label goes with a picture; without one, write it as words")
    return Asked(
        parts=parts,
        conditions=conditions,
        pictures=pictures,
        paths=paths,
        wait=wait,
        top=_whole(message, "top", None, 1),
        offset=_whole(message, "offset", 0, 0),
        order=order,
        reverse=bool(message.get("reverse")),
        group=bool(message.get("group")),
        why=bool(message.get("why")),
        random=bool(message.get("random")),
        least=_number(message, "min_score", None),
        least_level=_level(message),
        label=label.strip(),
        blend=blend,
        count=bool(message.get("count")),
        details=bool(message.get("details")),
        places=bool(message.get("places")),
    )


async def seen(service: Service, asked: Asked, files: list[int]) -> dict[int, Seen]:
    """The pictures that are searched with, by their numbers; `files` are open. Raises
    RequestError."""
    if len(files) != len(asked.pictures):
        raise RequestError("bad-request", "every picture must come with an open file")
    used = {number for part in asked.parts for number in part.pictures}  # not in quotes, say
    return {n: await look(service, files[n], asked.pictures[n]) for n in sorted(used)}


def question(
    service: Service, asked: Asked, seen: Mapping[int, Seen], scope: Scope | None, until: Until
) -> SearchRequest:
    """What the engine is asked. Raises RequestError."""
    row = service.models.active_model.row
    scale = 1.0

    def embed(text: str) -> Vector:
        until.check()
        return service.concepts.embed(text)

    try:
        vector = combined(asked.parts, embed, {number: one.vector for number, one in seen.items()})
        if asked.label and vector is not None:
            vector, scale = blended(vector, embed(asked.label), asked.blend)
    except CancelledError as error:
        raise RequestError("query", str(error)) from None
    return SearchRequest(
        model=row,
        vector=vector,
        scope=scope,
        top=asked.top,
        offset=asked.offset,
        conditions=asked.conditions,
        without=frozenset(one.content for one in seen.values() if one.content is not None),
        scale=scale,
        label=asked.label,
        label_weight=1 - asked.blend,
        min_score=asked.least,
        # A concept is made of pictures, and so are its scores.
        like=any(part.pictures or service.concepts.names(part.text) for part in asked.parts),
        min_level=asked.least_level,
        order=asked.order,
        reverse=asked.reverse,
        check=until.check,
        group=asked.group,
        query_terms=_aspects(service, asked, seen, embed) if asked.why else (),
        random=asked.random,
    )


def _aspects(
    service: Service, asked: Asked, seen: Mapping[int, Seen], embed: Callable[[str], Vector]
) -> list[QueryTerm]:
    pictures = {
        number: (os.path.basename(asked.pictures[number]).decode(errors="replace"), one.vector)
        for number, one in seen.items()
    }
    return query_terms(asked.parts, pictures, embed, service.concepts.names)


def _parts(
    service: Service, query: str, pictures: list[bytes], spans: list[Span | None], at_random: bool
) -> tuple[list[Part], list[Condition]]:
    """The parts of a query, with pictures that stand outside of it as parts of their own. Only
    what is drawn `at_random` needs none.

    Raises QueryError.
    """
    inside = [number for number, span in enumerate(spans) if span]
    outside = [number for number, span in enumerate(spans) if not span]
    parts: list[Part] = []
    conditions: list[Condition] = []
    if query.strip() or not (outside or at_random):
        parsed = grammar.parse(query, [span for span in spans if span])
        parts = parsed.parts
        conditions = filters.understand(parsed.filters, datetime.now(), service.places)
    for part in parts:
        part.pictures = [inside[number] for number in part.pictures]
    return [*parts, *(Part(pictures=[number]) for number in outside)], conditions


def _pictures(message: Message) -> tuple[list[bytes], list[Span | None]]:
    """Their paths, and where they stand in the query. Raises RequestError."""
    listed: Any = message.get("pictures") or []
    count = message.get("files", 0)
    if not isinstance(listed, list) or len(listed) != count:
        raise RequestError("bad-request", "pictures must be a list, with a file each")
    if len(listed) > limits.PICTURES:
        raise RequestError(
            "query", f"at most {limits.PICTURES} pictures can be searched with at a time"
        )
    paths: list[bytes] = []
    spans: list[Span | None] = []
    for one in listed:
        match one:
            case {"path": bytes(path), "start": int(start), "end": int(end)} if start < end:
                span: Span | None = Span(start, end)
            case {"path": bytes(path)}:
                span = None
            case _:
                raise RequestError("bad-request", "a picture must have a path (bin)")
        paths.append(path)
        spans.append(span)
    inside = [span for span in spans if span]
    if len({span.start for span in inside}) < len(inside):
        raise RequestError("bad-request", "two pictures at the same place of the query")
    return paths, spans


async def look(service: Service, file: int, path: bytes) -> Seen:
    """The picture in an open file. Raises RequestError."""
    with SharedFile(file) as own:
        try:
            opened = await service.wait(picture, service, own, path)
            known = await service.run(service.image_queries.known, opened)
            if known is None:
                return await service.slow("look", _look, service, own, opened)
            return known
        except ImageQueryError as error:
            raise unseen(path, error) from None


def _look(until: Until, service: Service, file: SharedFile, opened: Picture) -> Seen:
    with file:
        return service.image_queries.look(opened, until)


def unseen(path: bytes, error: ImageQueryError) -> RequestError:
    return RequestError("picture", f"{arguments.shown(path)}: {error}")


def picture(service: Service, opened: SharedFile, name: bytes) -> Picture:
    """An open file, unless its server doesn't answer any more. Raises RequestError."""
    with opened:
        file = opened.number
        path = os.readlink(b"/proc/self/fd/%d" % file)  # the kernel knows it, and asks nobody

        def answer(_: bytes) -> os.stat_result:
            # Some servers are asked at each close: then a process that is started now would close
            # its copy, which may take for ever, before anything else here goes on.
            os.close(os.dup(file))
            return os.fstat(file)

        return Picture(file, name, path, arguments.asked(service, path, answer))


def _whole(message: Message, name: str, default: int | None, least: int) -> int:
    value = message.get(name, default)
    if type(value) is not int or value < least:
        raise RequestError("bad-request", f"{name} must be a whole number from {least} on")
    return min(value, limits.RESULTS)


def _level(message: Message) -> int:
    value = message.get("min_confidence", LEVELS[0])
    if value not in LEVELS:
        raise RequestError("bad-request", f"min_confidence must be one of {', '.join(LEVELS)}")
    return LEVELS.index(value)


def _number(message: Message, name: str, default: float | None) -> float | None:
    value = message.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise RequestError("bad-request", f"{name} must be a number")
    return max(-limits.SCORE, min(float(value), limits.SCORE))
