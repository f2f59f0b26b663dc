"""The `search` operation: makes sure that there is something to search, then asks the engine."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import numpy as np

from csearch.protocol.wire import HITS_PER_REPLY, Message
from csearchd import limits
from csearchd.concurrency.threads import Until
from csearchd.library import listings, roots
from csearchd.library.catalogue import DUE, FAILED, INDEXED
from csearchd.library.volumes import unmounted
from csearchd.search.image_query import Seen
from csearchd.search.request import Answer, Scope, SearchRequest
from csearchd.serve.handlers import completion, questions
from csearchd.serve.handlers.arguments import directory_argument
from csearchd.serve.handlers.explanation import explained, filtered
from csearchd.serve.handlers.hits import described, plain
from csearchd.serve.handlers.questions import Asked
from csearchd.serve.handlers.status import notes
from csearchd.serve.request import Request, RequestError
from csearchd.serve.service import Service

_PROGRESS_SECONDS = 0.1
_SHARE = 10  # counting, among very many directories, takes at most about one part in so many


async def search(service: Service, request: Request) -> Message:
    """See csearch.protocol.wire."""
    asked, paths, seen = await _thread(service, request.message)(
        _understood, service, request.message
    )
    awaited: list[bytes] = []
    first_reads: list[bytes] = []
    for path, was_seen in seen.items():
        # Who comes while somebody waits for the first reading of a directory waits too.
        first = not was_seen or any(roots.is_below(path, other) for other in service.first_reads)
        if asked.wait == "all" or (first and asked.wait == "first"):
            awaited.append(path)
            if first:
                first_reads.append(path)
        else:
            service.scanner.refresh(path)
    stopped = False
    if awaited:
        service.first_reads.extend(first_reads)
        try:
            stopped = await wait_for_reading(service, request, awaited)
        finally:
            for path in first_reads:
                service.first_reads.remove(path)
    question, result, (hits, stale) = await _answer(service, asked, request, paths)
    request.holds(len(hits))
    remarks = notes(service)
    if not any(result.values()):
        remarks += filter(None, [await service.run(_away, service, paths)])
    if not asked.count:
        for directory in stale:
            service.scanner.refresh(directory, missing=True)
        for start in range(0, len(hits), HITS_PER_REPLY):
            part = hits[start : start + HITS_PER_REPLY]
            if asked.details:
                describe = service.wait if asked.places else service.run
                found, remark = await describe(described, service, part, asked.places)
                remarks += [remark] if remark and remark not in remarks else []
            else:
                found = plain(part)
            if asked.why:
                reasons, remark = await service.slow("explain", explained, service, question, part)
                remarks += [remark] if remark and remark not in remarks else []
                found = [{**hit, "why": why} for hit, why in zip(found, reasons, strict=True)]
            await request.reply("hits", hits=found)
        if asked.why:
            result["why"] = await service.slow("explain", filtered, service, question)
    # Once this is sent.
    loop = asyncio.get_running_loop()
    loop.call_soon(service.begin, "keeping a query", completion.remember, service, request.message)
    return {
        **result,
        "model": service.models.active_model.model.name,
        "stopped": stopped,
        "notes": remarks,
    }


async def _answer(
    service: Service, asked: Asked, request: Request, paths: list[bytes] | None
) -> tuple[SearchRequest, Message, Answer]:
    """What the engine was asked, the numbers in the result, and its answer. Raises RequestError."""
    while True:
        row = service.models.active_model.row
        try:
            seen = await questions.seen(service, asked, request.files)
            ask = partial(_ask, service=service, asked=asked, seen=seen, paths=paths)
            slow = asked.why or _is_for_many(service, asked)
            done = await (service.slow("explain", ask) if slow else service.threads.answer(ask))
        except Exception:
            if service.models.active_model.row == row:
                raise
        else:
            if service.models.active_model.row == row:
                return done
        # Another model began to serve, and vectors never mix.


def _is_for_many(service: Service, asked: Asked) -> bool:
    wanted = 0 if asked.count else asked.offset + asked.top
    return min(wanted, len(service.models.active_model.table)) > limits.MANY


def _ask(
    until: Until,
    service: Service,
    asked: Asked,
    seen: dict[int, Seen],
    paths: list[bytes] | None,
) -> tuple[SearchRequest, Message, Answer]:
    scope = None if paths is None else _readable_scope(service, paths)
    question = questions.question(service, asked, seen, scope, until)
    # Before the search: who is told that nothing is left to do has seen all of it.
    numbers = _numbers(service, scope)
    if asked.count:
        return question, {**numbers, "count": service.engine.count(question)}, Answer([], [])
    return question, numbers, service.engine.search(question)


def _numbers(service: Service, scope: Scope | None) -> Message:
    """How many pictures there are, by what is known of them."""
    with service.library.memory_lock:
        catalogue = service.library.catalogue
        pending = catalogue.count(DUE, scope)
        again = 0
        if pending:
            table = service.models.active_model.table
            again = int(np.count_nonzero(table.has(catalogue.due_contents(scope))))
        return {
            "images": catalogue.count(INDEXED, scope) + again,
            "pending": pending,
            "again": again,
            "failed": catalogue.count(FAILED, scope),
        }


def _thread(service: Service, message: Message) -> Callable[..., Awaitable[Any]]:
    """What runs `_understood`: file systems are asked about directories, and the names of places
    may have to be made ready, which takes seconds."""
    near = not service.places.made and "near" in str(message.get("query")).lower()
    return service.run if message.get("scopes") is None and not near else service.wait


def _understood(
    service: Service, message: Message
) -> tuple[Asked, list[bytes] | None, dict[bytes, bool]]:
    """What is asked, below which directories (real paths, each once), and which of them, or of the
    roots, have been seen before: in one thread, since each change costs. Raises RequestError."""
    asked = questions.understand(service, message)
    paths = None
    if asked.paths is not None:
        paths = list(dict.fromkeys(directory_argument(service, path) for path in asked.paths))
    places = roots.roots(service.library) if paths is None else paths
    return asked, paths, {path: listings.was_scanned(service.library, path) for path in places}


def _away(service: Service, paths: list[bytes] | None) -> str | None:
    """Says that what was there waits for its disk, if that is so."""
    with service.library.read() as database:
        away = sum(
            unmounted.count_files_at(database, path)
            for path in paths or [b"/"]
            if not any(roots.is_below(path, other) for other in paths or () if other != path)
        )
    return f"pictures on a disk that isn't mounted wait for it: {away:,}" if away else None


def scope_of(service: Service, paths: list[bytes]) -> Scope:
    """The directories at and below some paths."""
    with service.library.memory_lock:
        tree = service.library.tree
        found = [tree.find(path) for path in paths]
        return tree.mask(directory for directory in found if directory is not None)


def _readable_scope(service: Service, paths: list[bytes]) -> Scope:
    """Raises RequestError where one of the directories themselves could not be read."""
    for path in paths:
        if reason := listings.directory_failure(service.library, path):
            raise RequestError("denied", f"{os.fsdecode(path)}: {reason}")
    return scope_of(service, paths)


async def wait_for_reading(service: Service, request: Request, paths: list[bytes]) -> bool:
    """Waits until all below `paths` is listed and read. Returns whether that was cut short."""
    before = await service.run(_counts, service, paths)
    settled = sum(before.values()) - before[DUE]  # not part of this wait's work
    scans = [service.scanner.scan(path) for path in paths]
    service.indexer.prioritise(paths)
    try:
        while True:
            scanning = not all(scan.done.is_set() for scan in scans)
            began = time.monotonic()
            counts = await service.run(_counts, service, paths)
            pause = max(_PROGRESS_SECONDS, (time.monotonic() - began) * _SHARE)
            total = max(0, sum(counts.values()) - settled)
            left = counts[DUE]
            if not scanning and not left:
                return False
            stuck = service.indexer.paused or service.indexer.last_error
            if (
                request.answer_now.is_set()
                or service.scanner.last_error
                or (stuck and not scanning)
            ):
                return True
            rate = service.indexer.rate
            await request.reply(
                "progress",
                phase="scanning" if scanning else "encoding",
                found=sum(counts.values()),
                done=total - left,
                total=total,
                failed=counts[FAILED],
                rate=round(rate, 1),
                remaining=round(left / rate) if rate > 0 and not scanning else None,
            )
            try:
                await asyncio.wait_for(request.answer_now.wait(), pause)
            except TimeoutError:
                pass
    finally:
        service.indexer.stop_prioritising(paths)


def _counts(service: Service, paths: list[bytes]) -> dict[int, int]:
    """How many files below `paths` are in each state."""
    scope = scope_of(service, paths)
    with service.library.memory_lock:
        catalogue = service.library.catalogue
        return {state: catalogue.count(state, scope) for state in (DUE, INDEXED, FAILED)}
