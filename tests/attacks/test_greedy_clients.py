"""One client can't stop all others, nor make the service large."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from csearch.protocol.wire import MAX_REPLY, Unpacker, pack
from csearchd import limits
from support.memory import Peak
from support.user import SECONDS, Client, User

GROWTH = 100 << 20  # bytes that the service may take for whatever is done to it
TEXT = "a photo of something quite different, which no picture shows; " * 20_000


def daemon(user: User) -> int:
    (pid,) = user.pids("csearchd")
    return pid


@contextmanager
def crowd(user: User, count: int) -> Iterator[list[socket.socket]]:
    """Connections on which nothing is said yet."""
    with ExitStack() as stack:
        sockets = []
        for _ in range(count):
            one = stack.enter_context(socket.socket(socket.AF_UNIX))
            one.connect(str(user.address))
            one.settimeout(SECONDS)
            sockets.append(one)
        yield sockets


def said(one: socket.socket) -> list[dict[str, object]]:
    """All that the service has said before it closed the connection."""
    unpacker = Unpacker(MAX_REPLY)
    messages: list[dict[str, object]] = []
    while True:
        try:
            data = one.recv(1 << 16)
        except ConnectionResetError:
            return messages
        if not data:
            return messages
        messages += unpacker.feed(data)


def test_idle_connections_make_room(settled: User) -> None:
    peak = Peak(daemon(settled))
    with crowd(settled, limits.CONNECTIONS + 100) as idle:
        for _ in range(3):
            assert settled.search("a cat", "-g")
        (told,) = said(idle[0])  # the oldest went
        assert told["code"] == "busy" and "needed its place" in str(told["message"])
        idle[-1].sendall(pack({"id": 1, "op": "status"}))  # and none that came later
        assert Client(idle[-1]).receive()["type"] == "result"
    print("growth", peak.growth >> 20)
    assert peak.growth < GROWTH


def test_slow_connections_make_room(settled: User) -> None:
    frame = pack({"id": 1, "op": "search", "query": TEXT[:900_000], "scopes": None, "top": 1})
    peak = Peak(daemon(settled))
    with crowd(settled, limits.CONNECTIONS + 10) as slow:
        for one in slow:
            try:
                one.sendall(frame[:-10])
            except OSError:
                continue  # dismissed: others needed the memory
        for step in range(3):
            for one in slow:
                try:
                    one.send(frame[step - 10 : step - 9])
                except OSError:
                    continue
            assert settled.search("a cat", "-g")
    print("growth", peak.growth >> 20)
    assert peak.growth < GROWTH


def test_a_message_has_a_deadline_however_it_trickles(settled: User) -> None:
    with crowd(settled, 1) as (one,):
        frame = pack({"id": 1, "op": "status"})
        one.send(frame[:5])
        one.settimeout(1)
        for byte in frame[5:]:
            try:
                one.recv(1, socket.MSG_PEEK)
                break
            except TimeoutError:
                one.send(bytes([byte]))
        else:
            pytest.fail("it came a byte a second, and was taken")
        (told,) = said(one)
        assert told["code"] == "bad-request" and "not complete" in str(told["message"])


def test_clients_that_never_read_hold_nobody_up(settled: User) -> None:
    peak = Peak(daemon(settled))
    search = {"op": "search", "query": "a cat", "scopes": None, "top": 100_000, "details": True}
    with crowd(settled, 40) as deaf:
        for one in deaf:
            for number in range(limits.REQUESTS):
                one.sendall(pack({"id": number, **search}))
        begun = time.monotonic()
        assert settled.search("a dog", "-g")
        print("searched after", time.monotonic() - begun)
    print("growth", peak.growth >> 20)
    assert peak.growth < GROWTH


def test_large_queries_leave_nothing(settled: User) -> None:
    peak = Peak(daemon(settled))
    with settled.connect() as client:
        for number in range(150):
            query = f"{number} {TEXT[:900_000]}"
            reply = client.ask(op="search", query=query, scopes=None, top=1)
            assert reply["code"] == "query" and "characters" in reply["message"]
        for number in range(200):  # as long as they may be
            query = f"{number} {TEXT[: limits.TEXT - 10]}"
            assert client.ask(op="search", query=query, scopes=None, top=1)["type"] == "result"
    print("growth", peak.growth)
    print("growth", peak.growth >> 20)
    assert peak.growth < GROWTH


@pytest.mark.parametrize("name", ["after", "before", "on", "date", "not:after", "near", "rating"])
def test_long_values_are_refused_at_once(settled: User, name: str) -> None:
    value = "1 " * 50_000
    with settled.connect() as client:
        query = f'{name}:"{value}"'
        reply = client.ask(op="search", query=query, scopes=None, top=1)
        assert reply["code"] == "query" and len(reply["message"]) < 1000


def test_dates_cannot_delay_others(settled: User) -> None:
    value = " ".join(["1"] * (limits.DATE // 2))
    with ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(settled.connect())
            query = " ".join(f'not:after:"{value}"' for _ in range(90))
            client.send(id=1, op="search", query=query, scopes=None, top=1)
        assert settled.search("a cat", "-g")


def test_a_message_of_many_small_things(settled: User) -> None:
    """A megabyte of empty lists would be a hundred in memory."""
    many = b"\xdd" + struct.pack(">I", 1_000_000) + b"\x90" * 1_000_000
    nested = b"\xdc\x00\x64" + (b"\xdc\x27\x10" + b"\x90" * 10_000) * 100
    peak = Peak(daemon(settled))
    for bomb in (many, nested):
        for _ in range(5):
            with settled.connect() as client:
                body = b"\x82\xa2id\x01\xa1x" + bomb
                client.socket.sendall(struct.pack(">I", len(body)) + body)
                reply = client.receive()
                assert reply is not None and reply["code"] == "bad-request"
    print("growth", peak.growth >> 20)
    assert peak.growth < GROWTH
