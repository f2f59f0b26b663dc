"""The listening end: accepts the owner's clients and nobody else's."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from typing import Any

from csearchd.serve.address import peer_uid
from csearchd.serve.connection import Connection
from csearchd.serve.request import Handler

log = logging.getLogger(__name__)

_MAX_CONNECTIONS = 256


class Server:
    """Serves connections on a listening Unix socket, whoever opened it."""

    def __init__(self, listening: socket.socket, handle: Handler) -> None:
        self._listening = listening
        self._handle = handle
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        # A copy, since a socket from the service manager has to outlive the server: its file isn't
        # ours to remove either, which asyncio does by itself from Python 3.13 on.
        options: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
        self._server = await asyncio.start_unix_server(
            self._accept, sock=self._listening.dup(), **options
        )

    def stop(self) -> None:
        """Accepts no more and drops who is there."""
        if self._server:
            self._server.close()
        for task in self._connections:
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = Connection(reader, writer, self._handle)
        self._connections.add(task)
        try:
            uid = peer_uid(writer.get_extra_info("socket"))
            if uid != os.getuid():
                log.warning("refused a connection of user %d", uid)
            elif len(self._connections) > _MAX_CONNECTIONS:
                log.warning("refused a connection: there are %d already", _MAX_CONNECTIONS)
            else:
                await connection.serve()
        except asyncio.CancelledError:
            pass
        finally:
            self._connections.discard(task)
            writer.close()
