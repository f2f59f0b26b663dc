"""A connected Unix socket that carries bytes and open files. asyncio's own streams drop files."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from csearch.protocol.wire import FILES_AT_ONCE, ProtocolError
from csearchd.requests.files import close_files

_BYTES = 1 << 16  # that are taken at a time


class Stream:
    """For one reader and one writer at a time."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self.stalled_since: float | None = None  # since when the peer reads nothing of what is sent

    async def receive(self) -> tuple[bytes, list[int]]:
        """Returns the bytes that have come, b"" at the end, and the descriptors that came with them
        (SCM_RIGHTS, unix(7)), which the caller closes. Raises OSError, and ProtocolError where this
        process may not have so many open."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                data, files, flags, _ = socket.recv_fds(
                    self._socket, _BYTES, FILES_AT_ONCE, socket.MSG_CMSG_CLOEXEC
                )
                if flags & socket.MSG_CTRUNC:
                    close_files(files)
                    raise ProtocolError("more files than the service may open (ulimit -n)")
                return data, files
            except BlockingIOError:
                await _ready(self._socket, loop.add_reader, loop.remove_reader)

    async def send(self, data: bytes) -> None:
        """Sends all of `data`, however slowly the peer reads. Raises OSError."""
        loop = asyncio.get_running_loop()
        left = memoryview(data)
        while left:
            try:
                left = left[self._socket.send(left) :]
                self.stalled_since = None
            except BlockingIOError:
                self.stalled_since = self.stalled_since or time.monotonic()
                await _ready(self._socket, loop.add_writer, loop.remove_writer)

    def send_now(self, data: bytes) -> None:
        """Sends as much as the peer's buffer has room for."""
        with suppress(OSError):
            self._socket.send(data)

    def close(self) -> None:
        self._socket.close()


async def _ready(
    connection: socket.socket,
    add: Callable[[socket.socket, Callable[[], None]], object],
    remove: Callable[[socket.socket], object],
) -> None:
    """Waits until the socket can be read or written, whichever `add` (of asyncio's loop) watches
    for."""
    ready = asyncio.Event()
    add(connection, ready.set)
    try:
        await ready.wait()
    finally:
        remove(connection)
