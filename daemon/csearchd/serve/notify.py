"""Tells the service manager the state of the daemon, if it asks for that: sd_notify(3)."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

from csearchd.concurrency.workers import Workers
from csearchd.errors import LibraryError

_STATUS_SECONDS = 30.0  # between lines to the service manager


class Notifier:
    """Sends states to `$NOTIFY_SOCKET`. It does nothing where there is none."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._status = ""

    @property
    def active(self) -> bool:
        """Whether the service manager wants to be told."""
        return bool(self._address)

    def send(self, state: str) -> None:
        """Sends a state such as "READY=1"."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.sendto(state.encode(), self._address)
        except OSError:
            pass  # nobody can be told that nobody can be told

    def status(self, text: str) -> None:
        """Sends one line about what the daemon does, if it has changed."""
        if text != self._status:
            self._status = text
            self.send(f"STATUS={text}")

    async def keep_status(self, line: Callable[[], str], workers: Workers) -> None:
        """Sends the line that `line` returns whenever it has changed. `line` runs in a thread and
        may raise LibraryError."""
        while self.active:
            try:
                self.status(await workers.answer(line))
            except LibraryError as error:
                self.status(str(error))
            await asyncio.sleep(_STATUS_SECONDS)

    async def show_life(self) -> None:
        """Sends signs of life, if the service manager wants them."""
        while seconds := self.watchdog_seconds:
            self.send("WATCHDOG=1")
            await asyncio.sleep(seconds)

    @property
    def watchdog_seconds(self) -> float | None:
        """Seconds between signs of life, half of what the service manager allows; None if it wants
        none."""
        if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            return None
        microseconds = os.environ.get("WATCHDOG_USEC", "")
        return int(microseconds) / 2e6 if self._address and microseconds.isdigit() else None
