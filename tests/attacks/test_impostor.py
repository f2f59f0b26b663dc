"""Whoever listens where the service should: another user is told nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
from home import Home
from scripted_service import Service

from csearch.completing.service import Service as Completion
from csearch.connection import Connection
from csearch.protocol import connection as module
from csearch.protocol.errors import ClientError

_NOBODY = 65534
_LISTENER = """
import os, socket, sys
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
listener.listen()
print(flush=True)
connection, _ = listener.accept()
print(len(connection.recv(1 << 16)), flush=True)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root may be two users without user namespaces")
def test_another_user_is_told_nothing(home: Home) -> None:
    directory = home.home / "shared"
    directory.mkdir()
    directory.chmod(0o1777)
    for above in directory.parents[:4]:
        above.chmod(above.stat().st_mode | 0o011)
    address = directory / "csearch.sock"
    for command in (["csearch", "my secret"], ["csearchctl", "status"], ["csearchctl", "stop"]):
        listener = subprocess.Popen(
            [sys.executable, "-c", _LISTENER, address, str(_NOBODY)], stdout=subprocess.PIPE
        )
        assert listener.stdout
        listener.stdout.readline()
        home.environment["CSEARCH_SOCKET"] = str(address)
        done = home.ask(*command)
        assert done.returncode == 2
        assert f"another user (uid {_NOBODY})".encode() in done.stderr
        assert listener.communicate(timeout=60)[0] == b"0\n"
        address.unlink()


def test_who_listens_is_asked_before_anything_is_said(
    home: Home, service: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = service().requests
    monkeypatch.setenv("CSEARCH_SOCKET", os.fsdecode(home.socket))
    monkeypatch.setattr(module, "peer_uid", lambda connection: os.getuid() + 1)
    with pytest.raises(ClientError, match="another user"):
        Connection(start=True)
    assert Completion().values("queries", "my secret") == []
    assert not requests


def test_roots_own_listener_is_ours(
    home: Home, service: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system's systemd may listen for a user's service."""
    service(status=lambda c, r: c.reply(r, "result", state="idle"))
    monkeypatch.setenv("CSEARCH_SOCKET", os.fsdecode(home.socket))
    monkeypatch.setattr(module, "peer_uid", lambda connection: 0)
    assert Connection(start=False).call("status")["state"] == "idle"


def test_credentials_are_those_of_who_began_to_listen(home: Home) -> None:
    from csearch.protocol.wire import peer_pid, peer_uid

    os.makedirs(os.path.dirname(home.socket), mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(home.socket)
        listener.listen()
        client.connect(home.socket)
        assert (peer_uid(client), peer_pid(client)) == (os.getuid(), os.getpid())
