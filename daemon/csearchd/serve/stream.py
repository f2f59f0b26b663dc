"""A connected Unix socket: bytes and open files in, bytes out. asyncio's own streams drop files."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from contextlib import suppress

_BYTES = 1 << 16  # that are taken at a time
_FILES = 32  # the same; the kernel drops more


class Stream:
    """For one reader and, at a time, one writer."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection

    async def receive(self) -> tuple[bytes, list[int]]:
        """What has come, b"" at the end, and the descriptors that came with it (SCM_RIGHTS,
        unix(7)), which the caller closes. Raises OSError."""
        while True:
            try:
                data, files, _, _ = socket.recv_fds(
                    self._socket, _BYTES, _FILES, socket.MSG_CMSG_CLOEXEC
                )
                return data, files
            except BlockingIOError:
                await self._readable()

    async def send(self, data: bytes) -> None:
        """Raises OSError."""
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    def close(self) -> None:
        self._socket.close()

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._socket, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._socket)


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
