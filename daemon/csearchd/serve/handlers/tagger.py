"""The operations of the tagger, a process that asks for its work and reports its outcome."""

from __future__ import annotations

import os

import msgspec

from csearch.protocol.wire import Message
from csearchd.concurrency.workers import Workers
from csearchd.errors import RequestError
from csearchd.library import roots
from csearchd.library.library import Library
from csearchd.requests.exchange import Exchange
from csearchd.requests.tagger import (
    TagsDoneRequest,
    TagsIntendRequest,
    TagsKnownRequest,
    TagsServeRequest,
)
from csearchd.serve.configuration import Configuration
from csearchd.serve.operations import Handlers
from csearchd.tags import ledger
from csearchd.tags.locations import watched_root_of
from csearchd.tags.task_queue import TaggingQueue


class TaggerHandlers:
    """`tags-serve`, `tags-intend`, `tags-done`, `tags-known`."""

    def __init__(
        self,
        library: Library,
        tagging: TaggingQueue,
        configuration: Configuration,
        workers: Workers,
    ) -> None:
        self._library = library
        self._tagging = tagging
        self._configuration = configuration
        self._workers = workers

    def handlers(self) -> Handlers:
        return {
            TagsServeRequest: self._serve,
            TagsIntendRequest: self._intend,
            TagsDoneRequest: self._done,
            TagsKnownRequest: self._known,
        }

    async def _serve(self, request: TagsServeRequest, exchange: Exchange) -> Message:
        """Gives the tagger its work until there is none."""
        entries = await self._workers.wait(ledger.unfinished, self._library)
        tops = await self._workers.wait(roots.roots, self._library)
        directories = {os.path.dirname(entry.path) for entry in entries if not entry.damaged}
        sweep = [[path, watched_root_of(path, tops)] for path in sorted(directories)]
        try:
            begun = False
            async for items in self._tagging.work():
                if not begun:
                    limit = self._configuration.current.encode.max_bytes
                    await exchange.reply("progress", sweep=sweep, max_bytes=limit)
                    begun = True
                if items:
                    await exchange.reply("hits", hits=items)
                else:
                    await exchange.reply("progress", stop=True)
        except RuntimeError:
            raise RequestError("bad-request", "another tagger is at work") from None
        return {}

    async def _intend(self, request: TagsIntendRequest, exchange: Exchange) -> Message:
        entries = [_plain(entry) for entry in request.entries]
        try:
            return {"rows": await self._tagging.intend(entries)}
        except KeyError:
            text = "that work was given by another service"
            raise RequestError("bad-request", text) from None

    async def _done(self, request: TagsDoneRequest, exchange: Exchange) -> Message:
        await self._tagging.done([_plain(entry) for entry in request.entries])
        return {}

    async def _known(self, request: TagsKnownRequest, exchange: Exchange) -> Message:
        entry = await self._workers.wait(ledger.by_mark, self._library, request.mark)
        if entry is None:
            return {"row": None, "record": None}
        return {"row": entry.row if entry.file is None else None, "record": entry.record}


def _plain(entry: msgspec.Struct) -> Message:
    """Returns an entry as the ledger stores it."""
    plain: Message = msgspec.to_builtins(entry, builtin_types=(bytes,))
    return plain
