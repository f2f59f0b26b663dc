"""One client's connection: frames in, requests started, replies out."""

from __future__ import annotations

import asyncio
import logging

from csearch.protocol import MAX_REQUEST, Message, ProtocolError, Unpacker, pack
from csearchd.serve.request import Handler, Request, RequestError
from csearchd.serve.stream import Stream, close_files

log = logging.getLogger(__name__)

_PARTIAL_SECONDS = 30.0  # a frame that has begun must be complete by then
_MAX_REQUESTS = 64  # under way on one connection
_MAX_FILES = 256  # that came and belong to no request yet


class Connection:
    """Reads requests until the client leaves; then cancels what it asked for."""

    def __init__(self, stream: Stream, handle: Handler) -> None:
        self._stream = stream
        self._handle = handle
        self._files: list[int] = []  # descriptors, in the order in which they came
        self._tasks: dict[asyncio.Task[None], Request] = {}
        self._sending = asyncio.Lock()

    async def serve(self) -> None:
        unpacker = Unpacker(MAX_REQUEST)
        try:
            while True:
                timeout = _PARTIAL_SECONDS if unpacker.partial else None
                data, files = await asyncio.wait_for(self._stream.receive(), timeout)
                self._files += files
                if not data:
                    return
                if len(self._files) > _MAX_FILES:
                    raise ProtocolError(f"more than {_MAX_FILES} files that no request takes")
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
            close_files(self._files)

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
                await self._stream.send(pack(message))
        except OSError:
            pass  # serve() notices too

    def _begin(self, message: Message) -> None:
        if len(self._tasks) >= _MAX_REQUESTS:
            raise ProtocolError(f"more than {_MAX_REQUESTS} requests at a time")
        request = Request(message, self, self._take_files(message))
        task = asyncio.create_task(self._answer(request), name="a request")
        self._tasks[task] = request
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        # Not in the task: one that is cancelled before its first step never runs.
        close_files(self._tasks.pop(task).files)

    def _take_files(self, message: Message) -> list[int]:
        """The descriptors that a request says it brings."""
        count = message.get("files", 0)
        if type(count) is not int or not 0 <= count <= len(self._files):
            raise ProtocolError("a request that says it brings files, which didn't come")
        files, self._files = self._files[:count], self._files[count:]
        return files

    async def _answer(self, request: Request) -> None:
        identifier = request.message.get("id")
        try:
            await request.reply("result", **await self._handle(request))
        except RequestError as error:
            await self.send(_error(identifier, error.code, str(error), **error.fields))
        except Exception:
            log.exception("the request %r failed", request.message.get("op"))
            text = "an error in csearchd; its log tells more"
            await self.send(_error(identifier, "internal", text))


def _error(identifier: object, code: str, message: str, **fields: object) -> Message:
    return {"id": identifier, "type": "error", "code": code, "message": message, **fields}
