"""A scripted service on a Unix socket, for what the real daemon can't be made to do on demand."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from csearch import __version__
from csearch.protocol.wire import MAX_REQUEST, PROTOCOL, Message, Unpacker, pack

Handler = Callable[["Conversation", Message], None]

STATUS = {
    "state": "encoding",
    "model": "starter",
    "images": 1234,
    "pending": 56,
    "encoded": 1200,
    "reused": 34,
    "failed": 2,
    "watch": {"directories": 70, "lost": 3},
    "scanning": [b"/pictures/new"],
    "next_model": {"name": "large", "done": 10, "total": 1234},
    "notes": ["the disk is full"],
    "memory": 120_000_000,
    "rate": 12.3,
    "remaining": 75,
    "roots": [
        {
            "path": b"/pictures/\xff",
            "present": False,
            "images": 1234,
            "pending": 56,
            "failed": 2,
            "watch": "events",
        }
    ],
}


class Conversation:
    """One client's connection, in a thread of its own."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._messages = self._read()

    def next(self) -> Message | None:
        """The client's next request; None when it has gone."""
        return next(self._messages, None)

    def send_raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    def reply(self, request: Message, kind: str, **fields: Any) -> None:
        self.send_raw(pack({"id": request["id"], "type": kind, **fields}))

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self) -> Iterator[Message]:
        unpacker = Unpacker(MAX_REQUEST)
        while data := self._socket.recv(1 << 16):
            yield from unpacker.feed(data)


def greet(conversation: Conversation, request: Message) -> None:
    """The usual answer to `hello`."""
    conversation.reply(request, "result", protocol=PROTOCOL, version=__version__, pid=os.getpid())


def hits(*paths: bytes) -> tuple[str, Message]:
    """A `hits` reply with scores that fall from 0.9."""
    rows = [{"path": path, "score": 0.9 - rank / 10} for rank, path in enumerate(paths)]
    return "hits", {"hits": rows}


def answering(*replies: tuple[str, Message], **result: Any) -> Handler:
    """Answers a search with these replies and a result."""

    def handle(conversation: Conversation, request: Message) -> None:
        for kind, fields in replies:
            conversation.reply(request, kind, **fields)
        usual = {"images": 3, "pending": 0, "failed": 0, "model": "starter", "stopped": False}
        conversation.reply(request, "result", **{**usual, "notes": [], **result})

    return handle


class Service:
    """Listens at `path` and gives every request to the handler of its `op`, if there is one.

    `requests` is what was asked, in order.
    """

    def __init__(self, path: bytes, **handlers: Handler) -> None:
        self.requests: list[Message] = []
        self._handlers: dict[str, Handler] = {"hello": greet, **handlers}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(32)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stops listening; the socket's file stays, as after a crash."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        conversation = Conversation(connection)
        try:
            while request := conversation.next():
                self.requests.append(request)
                if handler := self._handlers.get(request["op"]):
                    handler(conversation, request)
        except OSError:
            return  # the client left
