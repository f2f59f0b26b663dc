"""A connected Unix socket: bytes and open files in, bytes out. asyncio's own streams drop files."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from csearchd.errors import Ended

_BYTES = 1 << 16  # that are taken at a time
_FILES = 32  # the same; the kernel drops more


class Stream:
    """For one reader and, at a time, one writer."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self.stuck: float | None = None  # since when the peer reads nothing of what is sent

    async def receive(self) -> tuple[bytes, list[int]]:
        """What has come, b"" at the end, and the descriptors that came with it (SCM_RIGHTS,
        unix(7)), which the caller closes. Raises OSError."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                data, files, _, _ = socket.recv_fds(
                    self._socket, _BYTES, _FILES, socket.MSG_CMSG_CLOEXEC
                )
                return data, files
            except BlockingIOError:
                await _ready(self._socket, loop.add_reader, loop.remove_reader)

    async def send(self, data: bytes) -> None:
        """Raises OSError."""
        loop = asyncio.get_running_loop()
        left = memoryview(data)
        while left:
            try:
                left = left[self._socket.send(left) :]
                self.stuck = None
            except BlockingIOError:
                self.stuck = self.stuck or time.monotonic()
                await _ready(self._socket, loop.add_writer, loop.remove_writer)

    def send_now(self, data: bytes) -> None:
        """Sends what the peer's buffer has room for, if it is there still."""
        with suppress(OSError):
            self._socket.send(data)

    def close(self) -> None:
        self._socket.close()


async def _ready(
    connection: socket.socket,
    add: Callable[[socket.socket, Callable[[], None]], object],
    remove: Callable[[socket.socket], object],
) -> None:
    """Waits for what asyncio's add_reader or add_writer tells."""
    ready = asyncio.Event()
    add(connection, ready.set)
    try:
        await ready.wait()
    finally:
        remove(connection)


class SharedFile:
    """A descriptor of its own for a request and the threads that work for it: each uses it in a
    `with`, and the last one that leaves closes it."""

    def __init__(self, file: int) -> None:
        """Raises OSError where there can't be another one."""
        self.number = os.dup(file)
        self._users = 0
        self._closed = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Raises Ended where all others have left."""
        with self._lock:
            if self._closed:
                raise Ended
            self._users += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            self._closed = not self._users
        if self._closed:
            close_files([self.number])


def close_files(files: list[int]) -> None:
    """Closes descriptors and empties the list. A server of files that hangs is told of it, too:
    so nobody waits."""
    if files:
        threading.Thread(target=_close, args=(files.copy(),), name="closing", daemon=True).start()
        files.clear()


def _close(files: list[int]) -> None:
    for file in files:
        with suppress(OSError):  # of a server that has gone; it is closed all the same
            os.close(file)
