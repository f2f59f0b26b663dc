"""Asks a running daemon for completions, within a short time. Never starts one."""

from __future__ import annotations

import socket
import time

from csearch.directories import lock_path
from csearch.launch import managed
from csearch.protocol.connection import check_peer
from csearch.protocol.quoting import harmless
from csearch.protocol.wire import MAX_REPLY, Unpacker, pack, socket_path

SECONDS = 0.05  # limit for all answers, since the shell waits for them


class Service:
    """A connection to the daemon, which gives no values unless it answers in time."""

    def __init__(self) -> None:
        self._deadline = time.monotonic() + SECONDS
        self._socket: socket.socket | None = None

    def values(self, what: str, prefix: str) -> list[str]:
        """The values of csearchd.requests.completion.CompleteRequest; none after any error."""
        try:
            return self._ask(what, prefix)
        except Exception:
            return []

    def _ask(self, what: str, prefix: str) -> list[str]:
        connection = self._socket = self._socket or _connected()
        connection.settimeout(max(0.001, self._deadline - time.monotonic()))
        connection.sendall(pack({"id": 1, "op": "complete", "what": what, "prefix": prefix}))
        unpacker = Unpacker(MAX_REPLY)
        while data := connection.recv(1 << 16):
            for message in unpacker.feed(data):
                return [value for value in message.get("values") or () if _can_be_typed(value)]
            connection.settimeout(max(0.001, self._deadline - time.monotonic()))
        return []


def _can_be_typed(value: object) -> bool:
    """Whether a shell can show the value on one line."""
    return isinstance(value, str) and harmless(value) == value


def _connected() -> socket.socket:
    """A socket that is connected to a running daemon. Raises OSError, ClientError."""
    path = socket_path()
    if managed(path) and not _is_running():
        raise ConnectionRefusedError  # systemd may listen there, and would start it
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(SECONDS)
    connection.connect(path)
    check_peer(connection, path)
    return connection


def _is_running() -> bool:
    """Whether the process whose number is in the library's lock file is a daemon."""
    try:
        with open(lock_path(), "rb") as file:
            holder = int(file.read(20))
        with open(f"/proc/{holder}/cmdline", "rb") as file:
            return b"csearchd" in file.read()
    except (OSError, ValueError):
        return False
