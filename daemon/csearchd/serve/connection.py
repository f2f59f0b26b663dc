"""One client's connection: frames in, requests started, replies out."""

from __future__ import annotations

import asyncio
import logging

from csearch.protocol import MAX_REQUEST, Message, ProtocolError, Unpacker, pack
from csearchd.serve.request import Handler, Request, RequestError

log = logging.getLogger(__name__)

_PARTIAL_SECONDS = 30.0  # a frame that has begun must be complete by then
_MAX_REQUESTS = 64  # under way on one connection


class Connection:
    """Reads requests until the client leaves; then cancels what it asked for."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handle: Handler,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._handle = handle
        self._tasks: dict[asyncio.Task[None], Request] = {}
        self._sending = asyncio.Lock()

    async def serve(self) -> None:
        unpacker = Unpacker(MAX_REQUEST)
        try:
            while True:
                timeout = _PARTIAL_SECONDS if unpacker.partial else None
                data = await asyncio.wait_for(self._reader.read(1 << 16), timeout)
                if not data:
                    return
                for message in unpacker.feed(data):
                    self._begin(message)
        except (ProtocolError, TimeoutError) as error:
            text = str(error) or "the frame was not completed"
            await self.send(_error(None, "bad-request", text))
        except OSError:
            pass  # the client is gone
        finally:
            for task in self._tasks:
                task.cancel()

    def find(self, identifier: object) -> Request | None:
        """The request with that id, if it is still under way."""
        for request in self._tasks.values():
            if request.message.get("id") == identifier:
                return request
        return None

    async def reply(self, request: Request, kind: str, fields: Message) -> None:
        await self.send({"id": request.message.get("id"), "type": kind, **fields})

    async def send(self, message: Message) -> None:
        """Does nothing if the client is gone."""
        try:
            async with self._sending:
                self._writer.write(pack(message))
                await self._writer.drain()
        except OSError:
            pass  # serve() notices too

    def _begin(self, message: Message) -> None:
        if len(self._tasks) >= _MAX_REQUESTS:
            raise ProtocolError(f"more than {_MAX_REQUESTS} requests at a time")
        request = Request(message, self)
        task = asyncio.create_task(self._answer(request))
        self._tasks[task] = request
        task.add_done_callback(self._tasks.pop)

    async def _answer(self, request: Request) -> None:
        identifier = request.message.get("id")
        try:
            result = await self._handle(request)
        except RequestError as error:
            await self.send(_error(identifier, error.code, str(error)))
        except Exception:
            log.exception("the request %r failed", request.message.get("op"))
            text = "an error in csearchd; its log tells more"
            await self.send(_error(identifier, "internal", text))
        else:
            await request.reply("result", **result)


def _error(identifier: object, code: str, message: str) -> Message:
    return {"id": identifier, "type": "error", "code": code, "message": message}
