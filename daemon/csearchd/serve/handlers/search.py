"""The operation `search`: makes sure that there is something to search, then asks the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from csearch.protocol.wire import HITS_PER_REPLY, Message
from csearchd import limits
from csearchd.concurrency.threads import Cancellation
from csearchd.concurrency.workers import Workers
from csearchd.errors import RequestError
from csearchd.library import listings, roots
from csearchd.library.catalogue import DUE, FAILED, INDEXED
from csearchd.library.library import Library
from csearchd.library.volumes import unmounted
from csearchd.models.active_model import Models
from csearchd.models.catalogue import DEFAULT
from csearchd.reasons import OTHER, PATH, Reason, told
from csearchd.reasons.library import TEXT_PENDING
from csearchd.reasons.query import ALL_ASKED_WITH, ENGLISH_ONLY
from csearchd.reasons.service import UNMOUNTED
from csearchd.requests.exchange import Exchange
from csearchd.search.engine import Engine
from csearchd.search.image_query import PictureVector
from csearchd.search.query_language import foreign
from csearchd.search.request import Answer, Hit, Scope, SearchRequest
from csearchd.serve.client_paths import ClientPaths
from csearchd.serve.handlers.completion import CompletionHandlers
from csearchd.serve.handlers.explanation import Explanations
from csearchd.serve.handlers.hits import Hits
from csearchd.serve.handlers.queries import QueryResolver
from csearchd.serve.handlers.status import StatusReport
from csearchd.serve.indexing_wait import IndexingWait
from csearchd.serve.operations import Handlers
from csearchd.serve.text_handlers import TextWait
from csearchd.system.language import own_language
from csearchd.watch.scanner import Scanner

_TOLD_LANGUAGE = "told_language"  # the setting with the model for which it was said last
_Paths = list[bytes] | None  # real paths of directories, each once; None: everywhere


class SearchHandlers:
    def __init__(
        self,
        library: Library,
        models: Models,
        engine: Engine,
        scanner: Scanner,
        queries: QueryResolver,
        paths: ClientPaths,
        indexing_wait: IndexingWait,
        text_wait: TextWait,
        hits: Hits,
        explanations: Explanations,
        completion: CompletionHandlers,
        report: StatusReport,
        workers: Workers,
    ) -> None:
        self._library = library
        self._models = models
        self._engine = engine
        self._scanner = scanner
        self._queries = queries
        self._paths = paths
        self._indexing_wait = indexing_wait
        self._text_wait = text_wait
        self._hits = hits
        self._explanations = explanations
        self._completion = completion
        self._report = report
        self._workers = workers
        self._told_language: set[str] = set()  # models (fingerprints) for which it was said
        self._first_reads: list[bytes] = []  # directories never seen before, that a client awaits

    def handlers(self) -> Handlers:
        return {SearchRequest: self._search}

    async def _search(self, request: SearchRequest, exchange: Exchange) -> Message:
        may_wait = request.scopes is not None or self._queries.may_wait(request)
        run = self._workers.wait if may_wait else self._workers.answer
        request, paths, scanned = await run(self._understand, request)
        stopped = await self._prepare_directories(request, exchange, scanned)
        if request.wait == "all" and _looks_for_text(request) and not stopped:
            scope = None if paths is None else self._indexing_wait.scope_of(paths)
            stopped = await self._text_wait.wait_below(exchange, scope)
        request, result, (hits, stale, nearest) = await self._answer(request, exchange, paths)
        found = bool(hits or result.get("count"))
        exchange.holds(len(hits))
        # What is read elsewhere is no concern of who searches where all is read.
        reading = request.scope is None or bool(result["pending"])
        if request.scope is not None and not reading and self._report.reads_anything_again:
            reading = await self._workers.answer(self._report.reads_again, request.scope)
        remarks = [*request.remarks, *self._report.remarks(reading)]
        if _looks_for_text(request):
            remarks += await self._workers.answer(self._text_remarks, request)
        if any(remark.code == ENGLISH_ONLY.code for remark in remarks):
            fingerprint = self._models.active_model.model.fingerprint
            self._workers.begin(
                "keeping what was said", self._library.set, _TOLD_LANGUAGE, fingerprint
            )
        if request.without and not found:
            remarks += filter(None, [await self._workers.answer(self._all_asked_with, request)])
        if not any(result.values()):
            remarks += filter(None, [await self._workers.answer(self._unmounted_note, paths)])
        if not request.count:
            for directory in stale:
                self._scanner.refresh(directory, missing=True)
            remarks += await self._send(request, exchange, hits, nearest)
            result["nearest"] = nearest
            if request.why:
                result["why"] = await self._workers.compute(
                    "explain", self._explanations.of_filters, request
                )
        if found:  # once this is sent
            loop = asyncio.get_running_loop()
            remember = self._completion.remember
            loop.call_soon(self._workers.begin, "keeping a query", remember, request)
        first = [] if paths is None else [path for path in paths if not scanned[path]]
        return {
            **result,
            "model": self._models.active_model.model.name,
            "stopped": stopped,
            "unwatched": await self._workers.answer(self._unwatched, first) if first else [],
            "filters": [condition.filter.to_message() for condition in request.conditions],
            **told(dict.fromkeys(remarks)),
        }

    def _understand(
        self, request: SearchRequest
    ) -> tuple[SearchRequest, _Paths, dict[bytes, bool]]:
        """Returns the understood request, the directories to search below, and for each of them, or
        of the roots, whether it was scanned before. One thread does it all, since each change of
        threads costs time. Raises RequestError."""
        request = self._queries.understand(request)
        self._scanner.notice_ended_mounts()
        paths = None
        if request.scopes is not None:
            paths = list(dict.fromkeys(map(self._paths.directory, request.scopes)))
        places = roots.roots(self._library) if paths is None else paths
        return request, paths, {path: listings.was_scanned(self._library, path) for path in places}

    async def _prepare_directories(
        self, request: SearchRequest, exchange: Exchange, scanned: dict[bytes, bool]
    ) -> bool:
        """Waits for the directories that the client wants to be read, and has the others compared
        with the disk. `scanned`: whether each was before. Returns whether the wait was cut short.
        """
        awaited: list[bytes] = []
        first_reads: list[bytes] = []
        for path, was_scanned in scanned.items():
            # Who comes while somebody waits for the first reading of a directory waits too.
            first = not was_scanned or any(
                roots.is_below(path, other) for other in self._first_reads
            )
            if request.wait == "all" or (first and request.wait == "first"):
                awaited.append(path)
                if first:
                    first_reads.append(path)
            else:
                self._scanner.refresh(path)
        if not awaited:
            return False
        self._first_reads.extend(first_reads)
        try:
            return await self._indexing_wait.wait_for(exchange, awaited)
        finally:
            for path in first_reads:
                self._first_reads.remove(path)

    async def _answer(
        self, request: SearchRequest, exchange: Exchange, paths: _Paths
    ) -> tuple[SearchRequest, Message, Answer]:
        """Returns the resolved request, the numbers in the result, and the engine's answer. Raises
        RequestError."""
        while True:
            row = self._models.active_model.row
            try:
                vectors = await self._queries.picture_vectors(request, exchange.files)
                if request.why or self._is_for_many(request):
                    done = await self._workers.compute(
                        "explain", self._ask, request, vectors, paths
                    )
                else:
                    done = await self._workers.answer_while_wanted(
                        self._ask, request, vectors, paths
                    )
            except Exception:
                if self._models.active_model.row == row:
                    raise
            else:
                if self._models.active_model.row == row:
                    return done
            # Another model began to serve, and vectors never mix.

    def _is_for_many(self, request: SearchRequest) -> bool:
        wanted = 0 if request.count else request.offset + request.top
        return min(wanted, len(self._models.active_model.table)) > limits.MANY

    def _ask(
        self,
        cancellation: Cancellation,
        request: SearchRequest,
        vectors: dict[int, PictureVector],
        paths: _Paths,
    ) -> tuple[SearchRequest, Message, Answer]:
        scope = None if paths is None else self._readable_scope(paths)
        request = self._queries.resolve(cancellation, request, vectors, scope)
        # Before the search: who is told that nothing is left to do has seen all of it.
        numbers = self._numbers(scope)
        if request.count:
            return request, {**numbers, "count": self._engine.count(request)}, Answer([], [])
        answer = self._engine.search(request)
        remarks = [*request.remarks, *self._language_remarks(request, answer.hits)]
        return replace(request, remarks=remarks), numbers, answer

    def _numbers(self, scope: Scope | None) -> Message:
        """Counts the pictures by what is known of them."""
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            pending = catalogue.count(DUE, scope)
            again = 0
            if pending:
                table = self._models.active_model.table
                again = int(np.count_nonzero(table.has(catalogue.due_contents(scope))))
            return {
                "images": catalogue.count(INDEXED, scope) + again,
                "pending": pending,
                "again": again,
                "failed": catalogue.count(FAILED, scope),
            }

    async def _send(
        self, request: SearchRequest, exchange: Exchange, hits: Sequence[Hit], nearest: bool
    ) -> list[Reason]:
        """Sends the hits with whatever is asked of them. Returns remarks."""
        remarks: list[Reason | None] = []
        for start in range(0, len(hits), HITS_PER_REPLY):
            part = hits[start : start + HITS_PER_REPLY]
            if request.wants_details:
                run = self._workers.wait if request.places else self._workers.answer
                found, remark = await run(self._hits.described, part, bool(request.places))
                remarks.append(remark)
            else:
                found = self._hits.plain(part)
            if any(hit.by_name for hit in part) or _looks_for_text(request):
                await self._workers.answer(self._hits.add_lines, request, part, found)
            if request.why:
                reasons, remark = await self._workers.compute(
                    "explain", self._explanations.of_hits, request, part
                )
                remarks.append(remark)
                found = [{**hit, "why": why} for hit, why in zip(found, reasons, strict=True)]
            await exchange.reply("hits", hits=found, nearest=nearest)
        return [remark for remark in remarks if remark]

    def _language_remarks(self, request: SearchRequest, hits: Sequence[Hit]) -> list[Reason]:
        """Returns a remark on words that the model can't know, once for each model."""
        model = self._models.active_model.model
        if model.fingerprint in self._told_language or not foreign.knows_only_english(model):
            return []
        language = request.language or own_language()
        is_foreign = any(foreign.seems_foreign(part.text, language) for part in request.parts)
        if not is_foreign or any(hit.by_name for hit in hits):
            return []
        self._told_language.add(model.fingerprint)
        if self._library.setting(_TOLD_LANGUAGE) == model.fingerprint:
            return []
        return [ENGLISH_ONLY(model=model.name, better=DEFAULT.name)]

    def _unwatched(self, paths: list[bytes]) -> list[bytes]:
        """Returns those of some directories that aren't watched."""
        watched = roots.roots(self._library)
        return [path for path in paths if not any(roots.is_below(path, root) for root in watched)]

    def _all_asked_with(self, request: SearchRequest) -> Reason | None:
        """Returns a remark where all that could be found is what was asked with."""
        request = replace(request, check=lambda: None)  # the search has ended, and its `check`
        if self._engine.candidate_count(request):
            return None
        others = self._engine.candidate_count(replace(request, without=frozenset()))
        return ALL_ASKED_WITH() if others else None

    def _text_remarks(self, request: SearchRequest) -> list[Reason]:
        """Returns a remark where words in pictures are looked for that weren't read yet."""
        texts = self._library.texts
        if remark := texts.remark:
            return [remark]
        pending = texts.pending_in(request.scope)
        if not pending:
            return []
        return [texts.last_error or TEXT_PENDING(count=len(pending))]

    def _unmounted_note(self, paths: _Paths) -> Reason | None:
        """Returns a remark about pictures whose disk isn't mounted, or None."""
        with self._library.read() as database:
            away = sum(
                unmounted.count_files_at(database, path)
                for path in paths or [b"/"]
                if not any(roots.is_below(path, other) for other in paths or () if other != path)
            )
        return UNMOUNTED(count=away) if away else None

    def _readable_scope(self, paths: list[bytes]) -> Scope:
        """Returns the scope of the directories. Raises RequestError where one of them could not be
        read."""
        for path in paths:
            if reason := listings.directory_failure(self._library, path):
                raise RequestError("denied", PATH(path=path, reason=OTHER(text=reason)))
        return self._indexing_wait.scope_of(paths)


def _looks_for_text(request: SearchRequest) -> bool:
    return any(condition.pattern for condition in request.conditions)
