"""A server with more clients than it takes: who goes, and what is said to whom."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from csearch.protocol.wire import MAX_REPLY, Message, Unpacker, pack
from csearchd import limits
from csearchd.concurrency.supervisor import Supervisor
from csearchd.requests.exchange import Exchange
from csearchd.requests.service import ModelsRequest
from csearchd.serve.server import Server
from csearchd.serve.stream import Stream
from csearchd.validation import Request

PLACES = 3


class Caller:
    """A client in the test's own loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unpacker = Unpacker(MAX_REPLY)

    async def connect(self) -> Caller:
        self._reader, self._writer = await asyncio.open_unix_connection(str(self._path))
        return self

    async def send(self, **message: object) -> None:
        self._writer.write(pack(message))
        await self._writer.drain()

    async def receive(self) -> Message | None:
        """The next message; None at the end."""
        while data := await self._reader.read(1 << 16):
            for message in self._unpacker.feed(data):
                return message
        return None


def play(
    tmp_path: Path, scenario: Callable[[Path, asyncio.Event], Awaitable[None]], places: int = PLACES
) -> None:
    """Runs `scenario` against a server whose requests wait for its event, but `models`, whose
    reply is too large for a client that doesn't read."""

    async def run() -> None:
        path = tmp_path / "socket"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen(100)
        go = asyncio.Event()

        async def handle(request: Request, exchange: Exchange) -> Message:
            if isinstance(request, ModelsRequest):
                exchange.holds(limits.RESULTS_BYTES // limits.HIT_BYTES // 2 + 1)
                return {"much": b"x" * (1 << 20)}
            await go.wait()
            return {}

        server = Server(listening, handle, Supervisor())
        running = asyncio.create_task(server.run())
        try:
            await asyncio.wait_for(scenario(path, go), 60)
        finally:
            running.cancel()
            server.stop()
            listening.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "CONNECTIONS", places)
        patch.setattr(limits, "STUCK_SECONDS", 0.2)
        asyncio.run(run())


def test_who_has_a_request_under_way_stays_and_the_oldest_idle_one_goes(tmp_path: Path) -> None:
    async def scenario(path: Path, go: asyncio.Event) -> None:
        busy = await Caller(path).connect()
        await busy.send(id=1, op="status")
        older, newer = await Caller(path).connect(), await Caller(path).connect()
        await asyncio.sleep(0.1)
        last = await Caller(path).connect()
        told = await older.receive()
        assert told and told["code"] == "busy" and told["id"] is None
        assert await older.receive() is None
        go.set()
        for one in (newer, last):
            await one.send(id=2, op="status")
        for one in (busy, newer, last):
            reply = await one.receive()
            assert reply and reply["type"] == "result"

    play(tmp_path, scenario)


def test_who_finds_no_place_is_told_so(tmp_path: Path) -> None:
    async def scenario(path: Path, go: asyncio.Event) -> None:
        busy = [await Caller(path).connect() for _ in range(PLACES)]
        for one in busy:
            await one.send(id=1, op="status")
        await asyncio.sleep(0.1)
        refused = await Caller(path).connect()
        told = await refused.receive()
        assert told and (told["id"], told["code"]) == (None, "busy")
        assert "try again" in told["message"]
        assert await refused.receive() is None
        go.set()
        for one in busy:
            reply = await one.receive()
            assert reply and reply["type"] == "result"

    play(tmp_path, scenario)


def test_who_never_reads_makes_room(tmp_path: Path) -> None:
    async def scenario(path: Path, go: asyncio.Event) -> None:
        deaf = []
        for _ in range(PLACES):
            one = socket.socket(socket.AF_UNIX)
            one.connect(str(path))
            one.send(pack({"id": 1, "op": "answer"}))
            deaf.append(one)
        for one in deaf:
            one.send(pack({"id": 2, "op": "models"}))
        go.set()
        while True:
            other = await Caller(path).connect()
            await other.send(id=1, op="status")
            reply = await other.receive()
            if reply and reply["type"] == "result":
                return
            await asyncio.sleep(0.05)

    play(tmp_path, scenario)


def test_of_those_who_never_read_not_all_results_are_kept(tmp_path: Path) -> None:
    async def scenario(path: Path, go: asyncio.Event) -> None:
        deaf = []
        for _ in range(4):
            one = socket.socket(socket.AF_UNIX)
            one.connect(str(path))
            one.send(pack({"id": 1, "op": "models"}))
            deaf.append(one)
            await asyncio.sleep(0.1)
        ends = 0
        for one in deaf:
            one.setblocking(False)
            got = 0
            try:
                while data := await asyncio.wait_for(
                    asyncio.get_running_loop().sock_recv(one, 1 << 16), 5
                ):
                    got += len(data)
                    if got > 1 << 20:
                        break
            except ConnectionResetError:
                pass
            ends += got < 1 << 20
            one.close()
        assert ends == 3  # each of them held more than half of what may be held

    play(tmp_path, scenario, places=10)


def test_a_connection_that_fails_is_told_and_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(self: Stream) -> tuple[bytes, list[int]]:
        raise LookupError("injected")

    async def run() -> None:
        path = tmp_path / "socket"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen()
        supervisor = Supervisor()
        server = Server(listening, answer, supervisor)
        running = asyncio.create_task(server.run())
        try:
            with monkeypatch.context() as patch:
                patch.setattr(Stream, "receive", fails)
                assert await (await Caller(path).connect()).receive() is None
            (told,) = supervisor.failures
            assert (told["name"], told["error"]) == ("a connection", "LookupError: injected")
            client = await Caller(path).connect()
            await client.send(id=1, op="status")
            answered = await client.receive()
            assert answered and answered["type"] == "result"
        finally:
            running.cancel()
            server.stop()
            listening.close()

    async def answer(request: Request, exchange: Exchange) -> Message:
        return {}

    asyncio.run(run())
