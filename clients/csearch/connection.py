"""A conversation with the daemon, from the client's side."""

from __future__ import annotations

import time

# The class that socket's own is made of: what socket adds takes 5 ms to import.
from _socket import AF_UNIX, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket
from array import array
from collections.abc import Iterator, Sequence

from csearch import __version__
from csearch.errors import ClientError, NotRunning, ServiceError
from csearch.protocol import (
    MAX_REPLY,
    MAX_REQUEST,
    PROTOCOL,
    AddressError,
    Message,
    ProtocolError,
    Unpacker,
    pack,
    socket_path,
)
from csearch.quoting import harmless, printable

POLL_SECONDS = 0.02
# How long to try again, by the way in which the daemon turned the greeting down: it comes back as
# the version that is installed, or it was just ending.
_PATIENCE = {"restarting": 30.0, "closed": 3.0}
_KINDS = ("progress", "hits", "result")
_NOT_RUNNING = "the search service is not running; csearchctl start starts it"
_ABSENT = (FileNotFoundError, ConnectionRefusedError)  # no socket; a stale one


class Connection:
    """One connection, whose `hello` travels with the first request, in one write."""

    def __init__(self, start: bool) -> None:
        """Connects. Raises NotRunning without a daemon, or starts one: see csearch.launch."""
        self._start = start
        self.last_id = 0
        self.server: Message = {}  # the daemon's `hello`, once it has answered
        self._connect()

    def close(self) -> None:
        """Cancels what was asked for on this connection."""
        self._socket.close()

    def request(
        self, op: str, files: Sequence[int] = (), /, **arguments: object
    ) -> Iterator[Message]:
        """Every reply to one request: `progress`, `hits`, and a `result` as the last one.

        `files` are descriptors that go with it.

        Raises ServiceError for an `error` reply and for a connection that closes too early.
        """
        begun = time.monotonic()
        while True:
            request_id = self.send(op, files, **arguments)
            try:
                yield from self._replies(request_id)
                return
            except ServiceError as error:
                patience = 0.0 if self.server else _PATIENCE.get(error.code, 0.0)
                deadline = begun + patience
                if time.monotonic() >= deadline:
                    raise
            self._reconnect(deadline)

    def call(self, op: str, **arguments: object) -> Message:
        """The `result` of a request of which nothing else matters."""
        *_, result = self.request(op, **arguments)
        return result

    def send(self, op: str, files: Sequence[int] = (), /, **arguments: object) -> int:
        """Sends a request without waiting for its replies; its id."""
        frame = b""
        if not self.last_id:
            frame = self._frame("hello", protocol=PROTOCOL, version=__version__)
        body = self._frame(op, **arguments, **({"files": len(files)} if files else {}))
        if len(body) > MAX_REQUEST:
            raise ClientError(f"the request has {len(body)} bytes; at most {MAX_REQUEST} are taken")
        try:
            data = frame + body
            if files:
                rights = SOL_SOCKET, SCM_RIGHTS, array("i", files)
                data = data[self._socket.sendmsg([data], [rights]) :]
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what it said before it closed, if anything, is read next
        return self.last_id

    def _frame(self, op: str, **arguments: object) -> bytes:
        self.last_id += 1
        return pack({"id": self.last_id, "op": op, **arguments})

    def _replies(self, request_id: int) -> Iterator[Message]:
        """Yields replies up to the result; those to other requests are dropped."""
        while True:
            for message in self._receive():
                kind = message.get("type")
                if kind == "error" and message.get("id") in (None, 1, request_id):
                    code, text = str(message.get("code")), harmless(str(message.get("message")))
                    raise ServiceError(code, text, message)
                if message.get("id") == 1 and not self.server:
                    self.server = message
                elif message.get("id") == request_id and kind in _KINDS:
                    yield message
                    if kind == "result":
                        return

    def _receive(self) -> list[Message]:
        try:
            data = self._socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        if not data:
            raise ServiceError("closed", "the search service ended before it answered; try again")
        try:
            return list(self._unpacker.feed(data))
        except ProtocolError as error:
            raise ClientError(
                f"{printable(socket_path())}: what answers is no search service: {error}"
            ) from error

    def _connect(self) -> None:
        """Opens the socket; afterwards nothing has been said yet."""
        self.last_id = 0
        self._unpacker = Unpacker(MAX_REPLY)
        try:
            path = socket_path()
        except AddressError as error:
            raise ClientError(str(error)) from error
        try:
            if not self._start:
                _leave_asleep(path)
            self._socket = connect(path)
        except _ABSENT:
            if not self._start:
                raise NotRunning(_NOT_RUNNING) from None
            from csearch.launch import start_daemon

            self._socket = start_daemon(path, connect)
        except OSError as error:
            raise ClientError(f"{printable(path)}: {error.strerror}") from error

    def _reconnect(self, deadline: float) -> None:
        """Connects to the daemon that follows this one. Raises NotRunning after `deadline`."""
        self._socket.close()
        while True:
            time.sleep(POLL_SECONDS)
            try:
                self._connect()
                return
            except NotRunning:
                if time.monotonic() > deadline:
                    raise


def _leave_asleep(path: bytes) -> None:
    """Raises NotRunning where a connection would start the daemon: systemd listens for it."""
    from csearch.launch import connecting_starts

    if connecting_starts(path):
        raise NotRunning(_NOT_RUNNING)


def connect(path: bytes) -> socket:
    """A socket that is connected to `path`. Raises OSError."""
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection
