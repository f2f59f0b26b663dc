"""Clients that misbehave, and daemons that meet: nobody else must notice."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from csearch.protocol.wire import MAX_REQUEST, PROTOCOL, pack
from support.user import User, wait_for


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(struct.pack(">I", 0xFFFFFFFF), id="a frame that claims 4 GB"),
        pytest.param(struct.pack(">I", MAX_REQUEST + 1) + b"x" * 10, id="a frame over the limit"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
        pytest.param(struct.pack(">I", 3) + b"\xc1\xc1\xc1", id="not msgpack"),
        pytest.param(struct.pack(">I", 1) + b"\x07", id="not a map"),
        pytest.param(struct.pack(">I", 0), id="nothing in a frame"),
    ],
)
def test_garbage_gets_an_error_and_the_connection_ends(settled: User, garbage: bytes) -> None:
    with settled.connect() as client:
        client.socket.sendall(garbage)
        reply = client.receive()
        assert reply is not None and reply["type"] == "error"
        assert reply["id"] is None and reply["code"] == "bad-request"
        assert client.receive() is None
    assert settled.search("a cat", "-g")


def test_half_a_frame_and_silence_hold_nobody_up(settled: User) -> None:
    with settled.connect() as half, settled.connect():
        half.socket.sendall(pack({"id": 1, "op": "status"})[:-3])
        assert settled.search("a cat", "-g")


def test_a_client_that_leaves_at_once(settled: User) -> None:
    for _ in range(20):
        with settled.connect() as client:
            client.send(id=1, op="search", query="x", scopes=None, top=10)
    assert settled.search("a cat", "-g")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"op": "dance"}, "bad-request"),
        ({}, "bad-request"),
        ({"op": "search"}, "bad-request"),
        ({"op": "search", "query": "rating:many", "top": 1, "scopes": None}, "query"),
        ({"op": "search", "query": "x", "top": 0, "scopes": None}, "bad-request"),
        ({"op": "search", "query": "x", "top": True, "scopes": None}, "bad-request"),
        ({"op": "search", "query": "x", "top": 1, "scopes": ["/"]}, "bad-request"),
        ({"op": "search", "query": "x", "top": 1, "scopes": [b"relative"]}, "bad-request"),
        ({"op": "search", "query": "x", "top": 1, "scopes": [b"/nul\0"]}, "bad-request"),
        ({"op": "search", "query": "x", "top": 1, "scopes": [b"/missing"]}, "not-found"),
        ({"op": "search", "query": "x", "top": 1, "scopes": None, "wait": 7}, "bad-request"),
        ({"op": "add", "path": None}, "bad-request"),
        ({"op": "add", "path": b"/etc/passwd"}, "not-a-directory"),
        ({"op": "remove", "path": b"/missing"}, "not-found"),
        ({"op": "forget", "path": b"/missing"}, "not-found"),
        ({"op": "use", "model": "no such model"}, "no-model"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    settled: User, request_: dict[str, object], code: str
) -> None:
    with settled.connect() as client:
        reply = client.ask(**request_)
        assert (reply["type"], reply["code"]) == ("error", code)
        assert client.ask(op="status")["type"] == "result"  # the connection goes on


def test_many_requests_on_one_connection(settled: User) -> None:
    with settled.connect() as client:
        for number in range(30):
            client.send(id=number, op="search", query=f"query {number}", scopes=None, top=3)
        ended = set()
        while len(ended) < 30:
            reply = client.receive()
            assert reply is not None and reply["type"] in ("hits", "result")
            if reply["type"] == "result":
                ended.add(reply["id"])


def test_a_newer_client_is_told_so(settled: User) -> None:
    with settled.connect() as client:
        reply = client.ask(op="hello", protocol=PROTOCOL + 1, version="99.0")
        assert reply["code"] == "newer-client"
        assert "csearchctl stop" in reply["message"]


def test_another_user_is_not_answered(settled: User) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root, to become another user")
    nobody = pwd.getpwnam("nobody").pw_uid
    for path in (settled.address, *settled.address.parents):
        if path.stat().st_mode & 0o007 == 0:
            os.chmod(path, 0o777)
    try:
        assert _as_user(nobody, settled) == b""
        assert settled.search("a cat", "-g")
    finally:
        os.chmod(settled.address, 0o600)
        os.chmod(settled.address.parent, 0o700)


def _as_user(uid: int, owner: User) -> bytes:
    """What the daemon answers to a process of the user `uid`: all bytes until it hangs up."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(uid)
        with owner.connect() as client:
            try:
                client.send(id=1, op="status")
                os.write(theirs, client.socket.recv(100))
            except OSError:
                pass
        os._exit(0)
    os.close(theirs)
    assert os.waitpid(child, 0)[1] == 0
    with os.fdopen(ours, "rb") as pipe:
        return pipe.read()


def test_the_socket_is_the_owners_alone(settled: User) -> None:
    assert settled.address.stat().st_mode & 0o777 == 0o600
    assert settled.address.parent.stat().st_mode & 0o777 == 0o700


def test_an_open_runtime_directory_is_closed(user: User) -> None:
    user.address.parent.mkdir(mode=0o755)
    user.start()
    assert user.address.parent.stat().st_mode & 0o777 == 0o700


def test_a_stale_socket_is_replaced(user: User) -> None:
    user.address.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(user.address))
    user.take_photos(("cat",))
    assert user.search("a cat", "--in", user.pictures) == [user.pictures / "cat.jpg"]


def test_a_file_that_is_no_socket_stays(user: User) -> None:
    user.address.parent.mkdir(mode=0o700)
    user.address.write_text("mine")
    told = user.csearch("a cat", "--in", user.pictures, check=2).stderr
    assert str(user.address).encode() in told and b"is a file, not a socket" in told
    assert user.address.read_text() == "mine"


def test_stop_ends_a_daemon_that_listens_elsewhere(user: User, tmp_path: Path) -> None:
    daemon = user.start()
    user.environment["CSEARCH_SOCKET"] = str(tmp_path / "socket")
    done = user.csearchctl("stop")
    assert done.stdout == b"The search service has stopped.\n"
    assert daemon.wait(0) == 0


def test_ten_first_clients_start_one_daemon(user: User) -> None:
    user.take_photos(("cat", "coffee"))
    command = [sys.executable, "-P", "-m", "csearch.search", "--in", str(user.pictures), "a cat"]
    clients = [
        subprocess.Popen(
            command, env=user.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(10)
    ]
    for client in clients:
        output, errors = client.communicate(timeout=120)
        assert client.returncode == 0, errors
        assert len(output.splitlines()) == 2, errors
    assert len(user.pids("csearchd")) == 1
    assert user.status()["encoded"] == 2


def test_a_daemon_without_its_socket_lets_a_new_one_in(user: User) -> None:
    first = user.start()
    user.address.unlink()
    second = user.start()
    assert first.wait(30) == 0
    assert second.poll() is None
    assert user.address.exists()


def test_a_second_daemon_leaves_quietly(user: User) -> None:
    user.start()
    second = user.start(wait=False)
    assert second.wait(30) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_while_it_works(user: User, number: int) -> None:
    from support.photos import write_drawn

    write_drawn(user.pictures, 300)
    daemon = user.start()
    user.csearchctl("add", user.pictures)
    wait_for(lambda: user.pids("csearchd.encoder"), "an encoder")
    began = time.monotonic()
    daemon.send_signal(number)
    assert daemon.wait(30) == 0
    assert time.monotonic() - began < 10  # the promise is two seconds; this only catches a hang
    assert not user.address.exists()
    wait_for(lambda: not user.pids("csearchd.encoder"), "the encoder's end")


def test_it_never_loads_torch_or_an_image_decoder(settled: User) -> None:
    (pid,) = settled.pids("csearchd")
    with open(f"/proc/{pid}/maps") as maps:
        loaded = maps.read()
    assert "onnxruntime" in loaded
    assert "torch" not in loaded and "PIL" not in loaded


def test_names_that_are_no_text_are_answered(settled: User) -> None:
    for command in ("forget", "remove"):
        told = settled.csearchctl(command, b"/tmp/no-such-\xff\xfe", check=2)
        assert b"no-such-" in told.stderr and b"Traceback" not in told.stderr
    told = settled.csearch("--in", b"/tmp/no-such-\xff", "x", check=2)
    assert b"no such directory" in told.stderr


def test_a_pause_is_said_where_it_matters(user: User) -> None:
    user.start()
    user.csearchctl("pause")
    user.take_photos(("cat",))
    told = user.csearch("--in", user.pictures, "a cat", check=1).stderr.decode()
    assert "csearchctl resume" in told
    assert user.status()["state"] == "paused"
    user.csearchctl("resume")
    assert user.search("--wait", "--in", user.pictures, "a cat") == [user.pictures / "cat.jpg"]


def test_a_search_goes_before_what_is_being_read(user: User) -> None:
    from support.photos import write_drawn

    write_drawn(user.pictures / "many", 3000)
    write_drawn(user.pictures / "few", 3, first=5000)
    user.start()
    user.csearchctl("add", user.pictures / "many")
    wait_for(lambda: user.status()["encoded"] >= 1, "the first encodings")
    assert len(user.search("--in", user.pictures / "few", "x")) == 3
    assert user.status()["pending"] > 1000
