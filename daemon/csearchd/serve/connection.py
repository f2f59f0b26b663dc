"""One client's connection: it reads frames, starts requests and sends replies."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from csearch.protocol.wire import MAX_REQUEST, Message, ProtocolError, Unpacker, pack
from csearchd import limits
from csearchd.errors import RequestError
from csearchd.reasons.query import TOO_MANY_PICTURES
from csearchd.requests.decoding import decoded
from csearchd.requests.exchange import Exchange, Handler
from csearchd.requests.files import close_files
from csearchd.serve.memory_quota import MemoryQuota
from csearchd.serve.stream import Stream
from csearchd.system.resource_limits import files_for_one_client
from csearchd.unexpected import unexpected

log = logging.getLogger(__name__)

_TOO_MANY = -1  # in place of a descriptor that was closed, since there were too many


class Connection:
    """Reads requests until the client leaves, then cancels those under way."""

    def __init__(
        self,
        stream: Stream,
        handle: Handler,
        incoming: MemoryQuota[Connection],
        results: MemoryQuota[Connection],
    ) -> None:
        self._stream = stream
        self._handle = handle
        self._incoming = incoming
        self._results = results
        self._unpacker = Unpacker(MAX_REQUEST, limits.ELEMENTS)
        self._files: list[int] = []  # descriptors, in the order in which they came
        self._most_files = min(limits.PICTURES + 1, files_for_one_client())
        self._file_bytes = limits.FILES_BYTES // self._most_files
        self._tasks: dict[asyncio.Task[None], Exchange] = {}
        self._sizes: dict[Exchange, int] = {}  # bytes of the requests under way
        self._held_results: dict[Exchange, int] = {}  # bytes of their results, by estimate
        self._turns = asyncio.Semaphore(limits.AT_ONCE)
        self._in_turn: set[Exchange] = set()
        self._sending = asyncio.Lock()
        self._message_began: float | None = None
        self._timeout: asyncio.Timeout | None = None
        self._serving: asyncio.Task[None] | None = None
        self.idle_since = time.monotonic()  # when a request came, or ended, last

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way. A part of a message is no request."""
        return not self._tasks

    @property
    def has_partial_message(self) -> bool:
        """Whether a part of a message has come."""
        return self._unpacker.waiting > 0

    @property
    def stalled_since(self) -> float | None:
        """Since when the client hasn't read what it was sent, in monotonic seconds; None if it
        reads."""
        return self._stream.stalled_since

    def serve(self, ended: Callable[[Connection], object]) -> asyncio.Task[None]:
        """Begins to serve and returns the task, whose errors the caller reads. `ended` is called at
        the end."""
        self._serving = asyncio.create_task(self._serve(), name="a connection")
        # Not in the task: one that is cancelled before its first step never runs.
        self._serving.add_done_callback(self._close)
        self._serving.add_done_callback(lambda _: ended(self))
        return self._serving

    def dismiss(self, reason: str) -> None:
        """Ends the connection, and tells the client why, if it listens."""
        if not self._sending.locked():
            self._stream.send_now(refusal(reason))
        self.end()

    def end(self) -> None:
        """Ends the connection without a word."""
        if self._serving:
            self._serving.cancel()

    async def _serve(self) -> None:
        try:
            while await self._receive():
                pass
        except ProtocolError as error:
            await self._say_farewell(_error(None, RequestError("bad-request", str(error))))
        except TimeoutError:
            await self._say_farewell(self._farewell())
        except OSError:
            pass  # the client is gone
        finally:
            for task in self._tasks:
                task.cancel()

    async def _say_farewell(self, message: Message) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.MESSAGE_SECONDS):
                await self.send(message)

    def _close(self, _: asyncio.Task[None]) -> None:
        close_files(self._files)
        self._stream.close()
        self._unpacker = Unpacker(0)  # what came of a message goes now, not when this is collected
        self._incoming.set(self, 0)
        self._results.set(self, 0)

    async def _receive(self) -> bool:
        """Takes what comes next and starts the requests in it. Returns False at the end. Raises
        ProtocolError, TimeoutError, OSError."""
        try:
            async with asyncio.timeout_at(self._deadline()) as self._timeout:
                data, files = await self._stream.receive()
        finally:
            self._timeout = None
        kept = max(0, self._most_files - len(self._files))
        self._files += files[:kept] + [_TOO_MANY] * len(files[kept:])
        close_files(files[kept:])
        if len(self._files) > limits.FILES:
            raise ProtocolError(f"more than {limits.FILES} files that no request takes")
        left = self._unpacker.waiting + len(data)
        for message in self._unpacker.feed(data):
            size, left = left - self._unpacker.waiting, self._unpacker.waiting
            self._message_began = None
            self._begin(message, size)
        if not self.has_partial_message:
            self._message_began = None
        elif self._message_began is None:
            self._message_began = time.monotonic()
        self._report_size()
        return bool(data)

    def _deadline(self) -> float | None:
        """When the rest of a message, or the next one, must have come; monotonic seconds."""
        if self._message_began is not None:
            return self._message_began + limits.MESSAGE_SECONDS
        return None if self._tasks else self.idle_since + limits.IDLE_SECONDS

    def _farewell(self) -> Message:
        if self.has_partial_message:
            took = f"the message was not complete after {limits.MESSAGE_SECONDS:g} s"
            return _error(None, RequestError("bad-request", took))
        idle = f"nothing was asked for {limits.IDLE_SECONDS:g} s; connect again"
        return _error(None, RequestError("idle", idle))

    def find(self, identifier: int | None) -> Exchange | None:
        """Returns the request with that id, if it is still under way."""
        for exchange in self._tasks.values():
            if exchange.identifier == identifier:
                return exchange
        return None

    def holds(self, exchange: Exchange, results: int) -> None:
        self._held_results[exchange] = results * limits.HIT_BYTES
        self._results.set(self, sum(self._held_results.values()))

    async def reply(self, exchange: Exchange, kind: str, fields: Message) -> None:
        if kind == "progress":  # it waits, and computes nothing
            self._give_turn_back(exchange)
        self._results.enforce()
        await self.send({"id": exchange.identifier, "type": kind, **fields})

    async def send(self, message: Message) -> None:
        """Sends a message. It does nothing if the client is gone."""
        try:
            async with self._sending:
                await self._stream.send(pack(message))
        except OSError:
            pass  # _serve() notices too

    def _begin(self, message: Message, size: int) -> None:
        if len(self._tasks) >= limits.REQUESTS:
            raise ProtocolError(f"more than {limits.REQUESTS} requests at a time")
        if type(message.get("id", 0)) not in (int, type(None)):
            raise ProtocolError("a request whose id is not a whole number")
        files = self._take_files(message)
        exchange = Exchange(self, [file for file in files if file != _TOO_MANY], message.get("id"))
        self._sizes[exchange] = size + len(exchange.files) * self._file_bytes
        answer = self._refuse(exchange) if _TOO_MANY in files else self._answer(exchange, message)
        task = asyncio.create_task(answer, name="a request")
        self._tasks[task] = exchange
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        exchange = self._tasks.pop(task)
        close_files(exchange.files)
        del self._sizes[exchange]
        if self._held_results.pop(exchange, None):
            self._results.set(self, sum(self._held_results.values()))
        self._report_size()
        self.idle_since = time.monotonic()
        if self._timeout:
            self._timeout.reschedule(self._deadline())

    def _report_size(self) -> None:
        """Tells the quota how many bytes the client's messages take."""
        done = self._serving is None or self._serving.done()
        size = self._unpacker.waiting + sum(self._sizes.values())
        size += len(self._files) * self._file_bytes
        self._incoming.set(self, 0 if done else size)

    def _take_files(self, message: Message) -> list[int]:
        """Returns the descriptors that a request says it brings. Raises ProtocolError."""
        count = message.get("files", 0)
        if type(count) is not int or not 0 <= count <= len(self._files):
            raise ProtocolError("a request whose files didn't come")
        files, self._files = self._files[:count], self._files[count:]
        return files

    async def _refuse(self, exchange: Exchange) -> None:
        """Answers a request some of whose files were closed."""
        refusal = RequestError("query", TOO_MANY_PICTURES(limit=self._most_files))
        await self.send(_error(exchange.identifier, refusal))

    async def _answer(self, exchange: Exchange, message: Message) -> None:
        await self._turns.acquire()
        self._in_turn.add(exchange)
        identifier = exchange.identifier
        try:
            await exchange.reply("result", **await self._handle(decoded(message), exchange))
        except RequestError as error:
            await self.send(_error(identifier, error))
        except Exception:
            what = limits.clipped(repr(message.get("op")))
            log.exception("the request %s failed", what)
            await self.send(_error(identifier, RequestError("internal", unexpected())))
        finally:
            self._give_turn_back(exchange)

    def _give_turn_back(self, exchange: Exchange) -> None:
        if exchange in self._in_turn:
            self._in_turn.discard(exchange)
            self._turns.release()


def refusal(reason: str) -> bytes:
    """Returns the frame that is sent to a client that is turned away."""
    return pack(_error(None, RequestError("busy", reason)))


def _error(identifier: object, error: RequestError) -> Message:
    return {"id": identifier, "type": "error", **error.to_message()}
