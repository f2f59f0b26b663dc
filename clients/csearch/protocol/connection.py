"""The client's side of a connection to the daemon."""

from __future__ import annotations

import os
import struct
import sys
import time

# The base class of socket.socket; importing the latter takes 5 ms.
from _socket import (
    AF_UNIX,
    SCM_RIGHTS,
    SO_RCVTIMEO,
    SO_SNDTIMEO,
    SOCK_STREAM,
    SOL_SOCKET,
    socket,
)
from array import array
from collections.abc import Iterator, Mapping, Sequence
from errno import ETOOMANYREFS

from csearch import __version__
from csearch.protocol.errors import ClientError, NotAnswering, NotRunning, ServiceError
from csearch.protocol.quoting import harmless, printable
from csearch.protocol.system_errors import in_words
from csearch.protocol.wire import (
    FILES_AT_ONCE,
    MAX_FILES,
    MAX_REPLY,
    MAX_REQUEST,
    PROTOCOL,
    AddressError,
    Message,
    ProtocolError,
    Unpacker,
    pack,
    peer_uid,
    socket_path,
)

POLL_SECONDS = 0.02
QUIET_SECONDS = 5  # of silence, after which the daemon is sent a question that it answers at once
_QUIET = struct.pack("ll", QUIET_SECONDS, 0)  # a timeval
_MAX_SILENCES = 2  # periods of QUIET_SECONDS without an answer to that
_HELLO: Message = {"protocol": PROTOCOL, "version": __version__}
_KINDS = ("progress", "hits", "result")
NOT_RUNNING = "the search service is not running; csearchctl start starts it"
ABSENT = (FileNotFoundError, ConnectionRefusedError)  # no socket; a stale one
_TOO_MANY_FILES = "more pictures than files may be sent at a time (ulimit -n)"


class Connection:
    """A connection to a daemon that runs. Its `hello` is sent together with the first request.

    Even a busy daemon answers a short question at once. If it doesn't, a patient connection prints
    that and waits; otherwise every method raises NotAnswering.
    """

    # How long to connect again, by the daemon's reason to refuse. A daemon that ends is let go:
    # systemd would start it for a connection.
    _RETRY_SECONDS: Mapping[str, float] = {"idle": 3.0}

    def __init__(self, patient: bool, address: bytes | None = None) -> None:
        """Connects. Raises NotRunning.

        `address`: of the socket, where it is not the user's.
        """
        self._address = address
        self._patient = patient
        self._warned = False
        self.last_id = 0
        self.server: Message = {}  # the daemon's answer to `hello`
        self._connect()

    def close(self) -> None:
        """Closes the connection, which cancels its requests."""
        self._socket.close()

    def __del__(self) -> None:
        """Closes the socket, for which Python's development mode would print a warning."""
        if hasattr(self, "_socket"):  # else connecting has failed
            self.close()

    def request(
        self, op: str, files: Sequence[int] = (), /, **arguments: object
    ) -> Iterator[Message]:
        """Sends a request and yields its replies: `progress`, `hits`, and at last a `result`.

        `files` are descriptors that are sent with it. Raises ServiceError for an `error` reply and
        if the connection is closed before the result.
        """
        begun = time.monotonic()
        while True:
            request_id = self.send(op, files, **arguments)
            try:
                yield from self._replies(request_id)
                return
            except ServiceError as error:
                turned_down = not self.server or error.code == "idle"
                retry = self._RETRY_SECONDS.get(error.code, 0.0) if turned_down else 0.0
                deadline = begun + retry
                if time.monotonic() >= deadline:
                    raise
            self._reconnect(deadline)

    def call(self, op: str, **arguments: object) -> Message:
        """Sends a request and returns its `result`. Raises ServiceError."""
        *_, result = self.request(op, **arguments)
        return result

    def send(self, op: str, files: Sequence[int] = (), /, **arguments: object) -> int:
        """Sends a request and returns its id, without waiting for replies."""
        if len(files) > MAX_FILES:
            raise ClientError(f"{len(files)} pictures to search with; at most {MAX_FILES}")
        frame = b""
        if not self.last_id and op != "hello":
            frame = self._frame("hello", **_HELLO)
        body = self._frame(op, **arguments, **({"files": len(files)} if files else {}))
        if len(body) > MAX_REQUEST:
            raise ClientError(f"the request has {len(body)} bytes; at most {MAX_REQUEST} are taken")
        self._write(frame + body, files)
        return self.last_id

    def greet(self) -> Message:
        """The daemon's `hello`, without another request. Raises ServiceError."""
        return self.call("hello", **_HELLO)

    def _write(self, data: bytes, files: Sequence[int] = ()) -> None:
        silences = 0
        tried = time.monotonic()
        try:
            while data:
                now, later = files[:FILES_AT_ONCE], files[FILES_AT_ONCE:]
                rights = [(SOL_SOCKET, SCM_RIGHTS, array("i", now))] if now else []
                try:
                    sent = self._socket.sendmsg([data[:1] if later else data], rights)
                    data, files = data[sent:], later
                    tried = time.monotonic()
                except BlockingIOError:  # the daemon reads nothing
                    silences += 1
                    self._unanswered(silences)
                except OSError as error:
                    if error.errno != ETOOMANYREFS:
                        raise
                    if time.monotonic() > tried + QUIET_SECONDS:
                        raise ClientError(_TOO_MANY_FILES) from error
                    time.sleep(POLL_SECONDS)  # until the daemon has taken some
        except (BrokenPipeError, ConnectionResetError):
            pass  # what it sent before it closed the connection is read next

    def _frame(self, op: str, **arguments: object) -> bytes:
        self.last_id += 1
        return pack({"id": self.last_id, "op": op, **arguments})

    def _replies(self, request_id: int) -> Iterator[Message]:
        """Yields the replies to a request, up to the result. Others are ignored."""
        while True:
            for message in self._receive():
                kind = message.get("type")
                if kind == "error" and message.get("id") in (None, 1, request_id):
                    code, text = str(message.get("code")), harmless(str(message.get("message")))
                    raise ServiceError(code, text, message)
                if message.get("id") == 1 and not self.server:
                    self.server = message
                if message.get("id") == request_id and kind in _KINDS:
                    yield message
                    if kind == "result":
                        return

    def _receive(self) -> list[Message]:
        data = self._heard()
        if not data:
            raise ServiceError("closed", "the search service ended before it answered; try again")
        try:
            return list(self._unpacker.feed(data))
        except ProtocolError as error:
            raise ClientError(
                f"{printable(self._path())}: what answers is not a search service ({error}); "
                "end that program, or set CSEARCH_SOCKET to another path"
            ) from error

    def _heard(self) -> bytes:
        """The next bytes; b"" at the end. Raises NotAnswering."""
        asked = not self.server  # `hello` is such a question
        silences = 0
        while True:
            try:
                return self._socket.recv(1 << 16)
            except ConnectionResetError:
                return b""
            except BlockingIOError:  # after QUIET_SECONDS without data
                if asked:
                    silences += 1
                    self._unanswered(silences)
                else:
                    asked = True
                    self._write(self._frame("answer", target=None))

    def _unanswered(self, times: int) -> None:
        """Says that the daemon doesn't answer, if it is waited for. Raises NotAnswering if not."""
        path = self._path()
        if self._patient or self._is_starting(path):
            if not self._warned:
                self._warned = True
                self._print(
                    "The search service doesn't answer; waiting for it (Ctrl-C ends the wait)"
                )
        elif times >= _MAX_SILENCES:
            raise NotAnswering(
                f"the search service listens at {printable(path)} and doesn't answer; csearchctl "
                "stop ends it, the next search starts it again"
            )

    def _connect(self) -> None:
        """Opens the socket. Nothing has been sent on it yet."""
        self.last_id = 0
        self._unpacker = Unpacker(MAX_REPLY)
        try:
            path = self._path()
        except AddressError as error:
            raise ClientError(str(error)) from error
        try:
            self._socket = self._open(path)
        except OSError as error:
            raise ClientError(
                f"the search service can't be reached at {printable(path)}: {in_words(error)}"
            ) from error

    def _open(self, path: bytes) -> socket:
        """A connected socket. Raises OSError, NotRunning, NotAnswering."""
        try:
            return self._connected(path)
        except ABSENT:
            raise NotRunning(NOT_RUNNING) from None

    def _is_starting(self, path: bytes) -> bool:
        """Whether a daemon that doesn't answer yet is being started."""
        return False

    def _print(self, text: str) -> None:
        """Tells the user something while they wait."""
        print(text, file=sys.stderr, flush=True)

    def _path(self) -> bytes:
        """Raises AddressError."""
        return self._address or socket_path()

    def _connected(self, path: bytes) -> socket:
        """A connected socket. Raises OSError; NotAnswering if the daemon accepts no connections."""
        silences = 0
        while True:
            try:
                return connect(path)
            except BlockingIOError:
                silences += 1
                self._unanswered(silences)

    def _reconnect(self, deadline: float) -> None:
        """Connects to the daemon's successor. Raises NotRunning after `deadline`."""
        self._socket.close()
        while True:
            time.sleep(POLL_SECONDS)
            try:
                self._connect()
                return
            except NotRunning:
                if time.monotonic() > deadline:
                    raise


def connect(path: bytes) -> socket:
    """A socket that is connected to `path`. Its calls time out after QUIET_SECONDS.

    Raises OSError, also BlockingIOError for a timeout; ClientError if another user listens.
    """
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        for option in (SO_RCVTIMEO, SO_SNDTIMEO):  # socket(7); connect(2) heeds the latter
            connection.setsockopt(SOL_SOCKET, option, _QUIET)
        connection.connect(path)
        check_peer(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def check_peer(connection: socket, path: bytes) -> None:
    """Raises ClientError unless the process that listens is the user's, or root's (systemd).

    Another user's process would be told what is searched for.
    """
    uid = peer_uid(connection)
    if uid not in (0, os.getuid()):
        raise ClientError(
            f"{printable(path)}: another user (uid {uid}) listens there, and was told nothing; set "
            "CSEARCH_SOCKET to a path where only you can write"
        )
