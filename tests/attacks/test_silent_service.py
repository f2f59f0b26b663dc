"""A service that listens and says nothing: stopped, or short of what it needs."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from home import SECONDS, Home
from scripted_service import STATUS, Service, answering, greet, hits

from csearch.connection import Connection
from csearch.protocol import connection as module
from csearch.protocol.errors import NotAnswering
from csearchd.errors import RequestError
from csearchd.requests.service import StatusRequest
from csearchd.serve.operations import Operations

_HOLD = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print(flush=True)
input()
"""


@pytest.fixture
def stopped(home: Home) -> tuple[Home, subprocess.Popen[bytes]]:
    """A user whose service was stopped by a signal."""
    home.take_photos(("cat",))
    daemon = home.start()
    home.settle()
    daemon.send_signal(signal.SIGSTOP)
    return home, daemon


def test_a_stopped_service(stopped: tuple[Home, subprocess.Popen[bytes]]) -> None:
    home, daemon = stopped
    waiting = home.terminal("csearch", "cat")
    commands = {
        "csearch": home.begin("csearch", "cat"),
        "status": home.begin("csearchctl", "status"),
        "doctor": home.begin("csearchctl", "doctor"),
    }
    done = {name: process.communicate(timeout=SECONDS) for name, process in commands.items()}
    codes = {name: process.returncode for name, process in commands.items()}
    assert codes == {"csearch": 2, "status": 2, "doctor": 1}
    assert all(b"doesn't answer" in output + errors for output, errors in done.values()), done
    waiting.process.expect("doesn't answer")
    daemon.send_signal(signal.SIGCONT)
    output, status = waiting.finish()  # it has waited, whatever the others did
    assert status == 0
    assert "cat.jpg" in output


def test_stop_kills_a_stopped_service(stopped: tuple[Home, subprocess.Popen[bytes]]) -> None:
    home, daemon = stopped
    done = home.ask("csearchctl", "stop")
    assert (done.returncode, done.stdout) == (0, b"The search service has stopped.\n")
    assert f"process {daemon.pid}, didn't answer and was killed".encode() in done.stderr
    assert daemon.wait(SECONDS) == -signal.SIGKILL
    assert home.search("cat")  # nothing was lost, and nothing is in the way


def test_stop_kills_nothing_but_the_service(home: Home) -> None:
    """Neither a listener that holds no library, nor a process whose number the lock tells."""
    os.makedirs(os.path.dirname(home.socket), mode=0o700)
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    (home.data / "lock").write_text(f"{bystander.pid}\n")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(home.socket)
        listener.listen()
        done = home.ask("csearchctl", "stop")
    assert done.returncode == 2
    assert f"its process is {os.getpid()}".encode() in done.stderr
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, home.data / "lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout
    holder.stdout.readline()
    os.unlink(home.socket)
    done = home.ask("csearchctl", "stop")  # the lock is held by another than it tells
    assert done.stdout == b"The search service is not running.\n"
    assert bystander.poll() is None
    for process in (bystander, holder):
        process.communicate(b"\n")


def test_a_service_that_takes_no_more_connections(home: Home) -> None:
    os.makedirs(os.path.dirname(home.socket), mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(home.socket)
        listener.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(home.socket)  # which fills the queue
            done = home.ask("csearchctl", "status")
    assert done.returncode == 2
    assert b"doesn't answer" in done.stderr


@pytest.fixture
def hasty(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is noticed soon."""
    monkeypatch.setattr(module, "_QUIET", struct.pack("ll", 0, 100_000))
    monkeypatch.setenv("CSEARCH_SOCKET", os.fsdecode(home.socket))


def test_a_service_at_work_is_waited_for(hasty: None, service: Callable[..., Service]) -> None:
    """It says that it is there when it is asked, however long the answer takes."""
    asked = threading.Event()

    def answer(conversation: Any, request: dict[str, Any]) -> None:
        conversation.reply(request, "result")
        asked.set()

    def status(conversation: Any, request: dict[str, Any]) -> None:
        def later() -> None:
            assert asked.wait(SECONDS)
            conversation.reply(request, "result", **STATUS)

        threading.Thread(target=later).start()

    service(status=status, answer=answer)
    assert Connection(start=False, patient=False).call("status")["state"] == "encoding"


def test_a_service_that_falls_silent(hasty: None, service: Callable[..., Service]) -> None:
    service(search=lambda c, r: c.reply(r, *hits(b"/p/a.jpg")[:1], **hits(b"/p/a.jpg")[1]))
    replies = Connection(start=False, patient=False).request("search")
    assert next(replies)["type"] == "hits"
    with pytest.raises(NotAnswering):
        next(replies)


def test_a_large_request_that_nobody_reads(hasty: None, home: Home) -> None:
    os.makedirs(os.path.dirname(home.socket), mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(home.socket)
        listener.listen()
        connection = Connection(start=False, patient=False)
        with pytest.raises(NotAnswering):
            connection.call("search", query="x" * 900_000)


def test_a_large_request_arrives_whole(hasty: None, service: Callable[..., Service]) -> None:
    """Its sender waits for a reader that is slow."""
    running = service(
        hello=lambda c, r: (greet(c, r), threading.Event().wait(0.3)), search=answering()
    )
    query = "x" * 900_000
    Connection(start=False, patient=True).call("search", query=query)
    assert running.requests[-1]["query"] == query


@pytest.mark.parametrize(
    ("limit", "most", "said"),
    [
        (resource.RLIMIT_NOFILE, 32, "ulimit -n"),
        (resource.RLIMIT_NOFILE, 20, "ulimit -n"),
        (resource.RLIMIT_AS, 300_000 << 10, "ulimit -v"),
        (resource.RLIMIT_AS, 600_000 << 10, "ulimit -v"),
    ],
)
def test_limits_that_no_search_fits_in(home: Home, limit: int, most: int, said: str) -> None:
    """The service says which, and so does the command that would start it."""

    def lower() -> None:
        resource.setrlimit(limit, (most, most))

    done = home.begin("csearch", "cat", preexec_fn=lower)
    _, errors = done.communicate(timeout=SECONDS)
    assert done.returncode == 2
    assert said in errors.decode()
    assert "Traceback" not in home.log()
    assert home.ask("csearchctl", "status").returncode == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "ulimit -v"),
        (RuntimeError("can't start new thread"), "ulimit -v"),
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
    ],
)
def test_what_runs_out_meanwhile_is_named(error: Exception, said: str) -> None:
    async def status(request: object, exchange: object) -> None:
        raise error

    group: Any = SimpleNamespace(handlers=lambda: {StatusRequest: status})
    exchange: Any = None
    with pytest.raises(RequestError, match=said):
        asyncio.run(Operations(group)(StatusRequest(), exchange))


def test_a_low_soft_limit_is_raised(home: Home) -> None:
    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 4096))

    daemon = home.start(preexec_fn=lower)
    assert resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE) == (4096, 4096)
    assert home.status()["state"] in ("idle", "scanning")
