"""The listening end: accepts the owner's clients and nobody else's."""

from __future__ import annotations

import asyncio
import logging
import os
import socket

from csearchd.serve.address import peer_uid
from csearchd.serve.connection import Connection
from csearchd.serve.request import Handler
from csearchd.serve.stream import Stream

log = logging.getLogger(__name__)

_MAX_CONNECTIONS = 256
_PAUSE_SECONDS = 0.5  # after an accept that failed


class Server:
    """Serves connections on a listening Unix socket, whoever opened it."""

    def __init__(self, listening: socket.socket, handle: Handler) -> None:
        self._listening = listening
        self._handle = handle
        self._connections: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Drops who is there. The listening socket stays open."""
        for task in self._connections:
            task.cancel()

    async def run(self) -> None:
        """Accepts connections until it is cancelled."""
        self._listening.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listening)
            except OSError as error:  # too many open files, say
                log.error("no connection can be accepted: %s", error)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            task = asyncio.create_task(self._serve(connection), name="a connection")
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _serve(self, connection: socket.socket) -> None:
        stream = Stream(connection)
        try:
            uid = peer_uid(connection)
            if uid != os.getuid():
                log.warning("refused a connection of user %d", uid)
            elif len(self._connections) > _MAX_CONNECTIONS:
                log.warning("refused a connection: there are %d already", _MAX_CONNECTIONS)
            else:
                await Connection(stream, self._handle).serve()
        finally:
            stream.close()
