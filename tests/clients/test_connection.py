"""Connections to a service that is replaced, ends, or isn't a search service."""

from __future__ import annotations

import os
import socket
import struct
import threading

import pytest
from scripted_service import Service, answering, greet, hits

from csearch.connection import Connection
from csearch.protocol.wire import PROTOCOL


def test_restarting_service_is_asked_again(home, service):
    turned_down = []

    def hello(conversation, request):
        if len(turned_down) == 3:
            return greet(conversation, request)
        turned_down.append(request)
        conversation.reply(request, "error", code="restarting", message="a moment")
        return conversation.close()

    asked = service(hello=hello, search=answering(hits(b"/p/a.jpg"))).requests
    done = home.ask("csearch", "dog")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"/p/a.jpg\n", b"")
    assert len(turned_down) == 3
    assert asked[-1]["query"] == "dog"
    assert turned_down[0]["protocol"] == PROTOCOL


def test_service_that_was_just_ending_is_asked_again(home, service):
    greetings = []

    def hello(conversation, request):
        greetings.append(request)
        return conversation.close() if len(greetings) == 1 else greet(conversation, request)

    service(hello=hello, status=lambda c, r: c.reply(r, "result", state="idle"))
    assert home.ask("csearchctl", "status").returncode == 0
    assert len(greetings) == 2


def test_hello_and_the_request_are_one_write(home, service):
    os.makedirs(os.path.dirname(home.socket), mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(home.socket)
        listener.listen()
        process = home.begin("csearch", "dog")
        connection, _ = listener.accept()
        with connection:
            data = connection.recv(1 << 16)
        process.kill()
        process.communicate()
    (length,) = struct.unpack_from(">I", data)
    (second,) = struct.unpack_from(">I", data, 4 + length)
    assert len(data) == 8 + length + second
    assert b"hello" in data[: 4 + length]
    assert b"search" in data[4 + length :]


def test_service_that_ends_during_the_answer(home, service):
    def search(conversation, request):
        conversation.reply(request, *hits(b"/p/a.jpg")[:1], **hits(b"/p/a.jpg")[1])
        conversation.close()

    service(search=search)
    done = home.ask("csearch", "dog")
    assert done.returncode == 2
    assert done.stdout == b"/p/a.jpg\n"
    assert b"ended before it answered" in done.stderr


@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\1\xc1", b"\0\0\0\1\x01"]
)
def test_garbage_is_no_traceback(home, service, garbage):
    service(hello=lambda conversation, request: conversation.send_raw(garbage))
    done = home.ask("csearch", "dog")
    assert done.returncode == 2
    assert b"not a search service" in done.stderr
    assert b"Traceback" not in done.stderr


def test_client_that_is_too_new(home, service):
    text = "this client is newer than the service"
    service(hello=lambda c, r: c.reply(r, "error", code="newer-client", message=text))
    done = home.ask("csearch", "dog")
    assert (done.returncode, done.stderr) == (2, f"csearch: {text}\n".encode())


def test_a_question_that_no_frame_holds(home, service):
    service()
    arguments = ["x" * 100_000] * 11
    done = home.ask("csearch", *arguments)
    assert done.returncode == 2
    assert b"at most" in done.stderr


def test_socket_path_that_is_too_long(home):
    home.environment["CSEARCH_SOCKET"] = "/tmp/" + "x" * 200
    for command in (["csearch", "dog"], ["csearchctl", "status"]):
        done = home.ask(*command)
        assert done.returncode == 2
        assert b"CSEARCH_SOCKET" in done.stderr


def test_stale_socket_is_no_service(home):
    os.makedirs(os.path.dirname(home.socket), mode=0o700)
    Service(home.socket).close()
    assert os.path.exists(home.socket)
    done = home.ask("csearchctl", "status")
    assert done.returncode == 1
    assert b"not running" in done.stdout


def test_a_connection_that_was_idle_for_too_long_is_made_anew(home, service, monkeypatch):
    """Like that of the tagger, which reports nothing while it writes a very large file."""

    answered, ended = threading.Event(), threading.Event()

    def status(conversation, request):
        conversation.reply(request, "result", state="idle")
        answered.wait(60)
        conversation.reply({"id": None}, "error", code="idle", message="connect again")
        conversation.close()
        ended.set()

    asked = service(status=status).requests
    monkeypatch.setenv("CSEARCH_SOCKET", os.fsdecode(home.socket))
    connection = Connection(start=False)
    for _ in range(3):
        assert connection.call("status")["state"] == "idle"
        answered.set()
        assert ended.wait(60)
        answered.clear()
        ended.clear()
    assert [request["op"] for request in asked].count("status") == 3
