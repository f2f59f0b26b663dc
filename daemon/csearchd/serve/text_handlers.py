"""Operations on words in pictures, and the wait until they are read."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

import numpy as np

from csearch.protocol.wire import Message
from csearchd.concurrency.workers import Workers
from csearchd.errors import ImageQueryError, RequestError
from csearchd.indexing.indexer import Indexer
from csearchd.library import contents
from csearchd.library.library import Library
from csearchd.library.texts.queue import Guest
from csearchd.reasons import OTHER, PATH, Reason
from csearchd.reasons import commands as reasons
from csearchd.requests.exchange import Exchange
from csearchd.requests.files import SharedFile
from csearchd.requests.texts import TextForgetRequest, TextReadRequest, TextRequest
from csearchd.search.image_query import ImageQueries
from csearchd.search.request import Scope
from csearchd.serve.client_paths import ClientPaths
from csearchd.serve.handlers.queries import QueryResolver, picture_error
from csearchd.serve.operations import Handlers
from csearchd.system.files import identifying

_LOOK_SECONDS = 0.1  # between looks whether words were read


class TextWait:
    """Waits until words of pictures are read; used in the event loop."""

    def __init__(self, library: Library, indexer: Indexer, workers: Workers) -> None:
        self._library = library
        self._indexer = indexer
        self._workers = workers

    async def wait_below(self, exchange: Exchange, scope: Scope | None) -> bool:
        """Waits until all words in a scope are read, and sends progress. Returns whether the wait
        was cut short: by the client, or since nothing is read. Raises LibraryError."""
        return await self.wait_for(
            exchange, await self._workers.answer(self._library.texts.pending_in, scope)
        )

    async def wait_for(self, exchange: Exchange, wanted: list[int]) -> bool:
        """The same for contents, by their ids. Raises LibraryError."""
        texts = self._library.texts
        texts.queue.ask(wanted)
        try:
            while left := await self._workers.answer(texts.still_pending, wanted):
                if not await self._go_on(exchange, len(wanted) - left, len(wanted)):
                    return True
        finally:
            texts.queue.stop_asking(wanted)
        return False

    async def wait_for_file(self, exchange: Exchange, guest: Guest) -> None:
        """The same for a file outside the library."""
        queue = self._library.texts.queue
        queue.invite(guest)
        try:
            while not guest.is_done and await self._go_on(exchange, 0, 1):
                pass
        finally:
            queue.dismiss(guest)

    async def _go_on(self, exchange: Exchange, done: int, total: int) -> bool:
        """Sends progress and waits a moment. Returns whether to wait on."""
        texts = self._library.texts
        off = texts.recogniser is None or texts.last_error or self._indexer.paused
        if exchange.answer_now.is_set() or off:
            return False
        await exchange.reply("progress", phase="text", done=done, total=total)
        with suppress(TimeoutError):
            await asyncio.wait_for(exchange.answer_now.wait(), _LOOK_SECONDS)
        return True


class TextHandlers:
    def __init__(
        self,
        library: Library,
        image_queries: ImageQueries,
        queries: QueryResolver,
        paths: ClientPaths,
        wait: TextWait,
        workers: Workers,
    ) -> None:
        self._library = library
        self._image_queries = image_queries
        self._queries = queries
        self._paths = paths
        self._wait = wait
        self._workers = workers

    def handlers(self) -> Handlers:
        return {
            TextRequest: self._text,
            TextForgetRequest: self._forget,
            TextReadRequest: self._read,
        }

    async def _text(self, request: TextRequest, exchange: Exchange) -> Message:
        if len(exchange.files) != 1:
            raise RequestError("bad-request", "the picture must come along as a file")
        content = await self._content(request.path, exchange.files[0])
        texts = self._library.texts
        if content is None:
            if texts.remark or not request.path.startswith(b"/"):  # a URL or standard input
                why = texts.remark or reasons.NOT_KNOWN(path=request.path)
                raise RequestError("not-found", why)
            path = await self._workers.wait(os.path.realpath, request.path)
            guest = Guest(path, identifying(exchange.files[0]))
            await self._wait.wait_for_file(exchange, guest)
            if guest.lines is not None:
                return {"lines": [line._asdict() for line in guest.lines]}
            raise self._unread(request.path, guest.reason)
        state = await self._workers.answer(texts.state, content)
        if state.lines is None and not state.failure and not state.withheld and not texts.remark:
            await self._wait.wait_for(exchange, [content])
            state = await self._workers.answer(texts.state, content)
        if state.lines is not None:
            return {"lines": [line._asdict() for line in state.lines]}
        if state.withheld:
            raise RequestError("not-found", reasons.TEXT_WITHHELD(path=request.path))
        raise self._unread(request.path, OTHER(text=state.failure) if state.failure else None)

    def _unread(self, path: bytes, why: Reason | None) -> RequestError:
        texts = self._library.texts
        why = why or texts.remark or texts.last_error or reasons.TEXT_NOT_READ()
        return RequestError("picture", PATH(path=path, reason=why))

    async def _content(self, path: bytes, file: int) -> int | None:
        with SharedFile(file) as own:
            picture = await self._workers.wait(self._queries.open, own, path)
            try:
                known = await self._workers.wait(self._image_queries.content_at, picture)
            except ImageQueryError as error:
                raise picture_error(path, error) from None
        if known is not None:
            return known
        return (await self._queries.picture_vector(file, path)).content  # it may be a copy

    async def _forget(self, request: TextForgetRequest, exchange: Exchange) -> Message:
        held = await self._contents(request.path)
        return {"pictures": await self._workers.wait(self._library.texts.withhold, held)}

    async def _read(self, request: TextReadRequest, exchange: Exchange) -> Message:
        if remark := self._library.texts.remark:
            raise RequestError("bad-request", remark)
        held = await self._contents(request.path)
        return {"pictures": await self._workers.wait(self._library.texts.release, held)}

    async def _contents(self, path: bytes | None) -> list[int]:
        """The contents at and below a path; of the whole library for None. Raises RequestError
        where nothing is known there."""
        if path is None:
            return await self._workers.wait(self._all)
        path = await self._workers.wait(self._paths.resolve, path)
        held = await self._workers.wait(contents.known_below, self._library, path)
        if not held:
            raise RequestError("not-found", reasons.NOT_KNOWN(path=path))
        return sorted(held)

    def _all(self) -> list[int]:
        with self._library.read() as database:
            (found,) = database.execute("SELECT group_concat(id) FROM contents").fetchone()
        numbers: list[int] = np.fromstring(found or "", np.int64, sep=",").tolist()
        return numbers
