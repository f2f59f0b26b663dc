"""Accepts the owner's clients, and nobody else's."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import time

from csearch.protocol.wire import peer_uid
from csearchd import limits
from csearchd.concurrency.supervisor import Supervisor
from csearchd.requests.exchange import Handler
from csearchd.serve.connection import Connection, refusal
from csearchd.serve.memory_quota import MemoryQuota
from csearchd.serve.stream import Stream

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 0.5  # after an accept that failed
_QUIET_SECONDS = 60.0  # between lines of the log about connections that were refused
_GIVE_WAY = "the connection was closed, since others needed its place; connect again"
_FULL = (
    f"{limits.CONNECTIONS} connections have a request under way already, as many as there may be; "
    "try again later"
)


class Server:
    """Serves connections on a listening Unix socket."""

    def __init__(self, listening: socket.socket, handle: Handler, supervisor: Supervisor) -> None:
        self._listening = listening
        self._handle = handle
        self._supervisor = supervisor
        self._connections: set[Connection] = set()
        self._warned = 0.0
        self._incoming = MemoryQuota[Connection](
            limits.INCOMING_BYTES, self._dismiss, lambda one: True
        )
        self._results = MemoryQuota[Connection](
            limits.RESULTS_BYTES, self._dismiss, lambda one: one.stalled_since is not None
        )

    def stop(self) -> None:
        """Ends all connections. The listening socket stays open."""
        for one in self._connections:
            one.end()

    async def run(self) -> None:
        """Accepts connections until it is cancelled."""
        self._listening.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listening)
            except OSError as error:
                full = error.errno in (errno.EMFILE, errno.ENFILE)
                if not (full and self._give_way()):
                    log.error("no connection can be accepted: %s", error)
                    await asyncio.sleep(_PAUSE_SECONDS)
                await asyncio.sleep(0)  # what was dismissed is closed
                continue
            try:
                admitted = self._admit(connection)
            except Exception as error:  # it costs nobody else's connection
                self._supervisor.failed("a connection", error)
                admitted = False
            if not admitted:
                connection.close()

    def _admit(self, connection: socket.socket) -> bool:
        """Begins to serve a connection. Returns False where it is refused."""
        try:
            uid = peer_uid(connection)
        except OSError:
            return False  # it has gone
        if uid != os.getuid():
            self._warn(f"refused a connection of user {uid}")
            return False
        stream = Stream(connection)
        if len(self._connections) >= limits.CONNECTIONS and not self._give_way():
            self._warn(f"refused a connection: {_FULL}")
            stream.send_now(refusal(_FULL))
            return False
        one = Connection(stream, self._handle, self._incoming, self._results)
        self._connections.add(one)
        self._supervisor.watch("a connection", one.serve(self._connections.discard))
        return True

    def _give_way(self) -> bool:
        """Dismisses the connection that has been idle for longest, or else one whose client doesn't
        read. Returns False where there is none."""
        now = time.monotonic()
        idle = [one for one in self._connections if one.is_idle]
        stalled = [
            one
            for one in self._connections
            if one.stalled_since is not None and now - one.stalled_since > limits.STUCK_SECONDS
        ]
        if idle:
            self._dismiss(min(idle, key=lambda one: one.idle_since))
        elif stalled:
            self._dismiss(min(stalled, key=lambda one: one.stalled_since or now))
        return bool(idle or stalled)

    def _dismiss(self, one: Connection) -> None:
        self._connections.discard(one)
        one.dismiss(_GIVE_WAY)

    def _warn(self, text: str) -> None:
        """Writes a line to the log, but not one for each of many refused connections."""
        now = time.monotonic()
        if now - self._warned > _QUIET_SECONDS:
            self._warned = now
            log.warning("%s", text)
