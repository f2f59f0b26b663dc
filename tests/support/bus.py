"""A session bus of one's own, and what calls over it."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message, MessageType

from csearchd.desktop.sending import QueueingBus
from support.user import SECONDS, User, wait_for

OWN = ("/org/csearch/Csearch1", "org.csearch.Csearch1")
SHELL = ("/org/csearch/SearchProvider", "org.gnome.Shell.SearchProvider2")
KRUNNER = ("/org/csearch/KRunner", "org.kde.krunner1")
NAME = "org.csearch.Csearch1"
_DAEMON = "org.freedesktop.DBus"

needs_bus = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="needs dbus-daemon (package dbus)"
)


class Bus:
    """A dbus-daemon that listens where a desktop's does: in the user's runtime directory."""

    def __init__(self, user: User, name: str = "bus") -> None:
        self.user = user
        self.socket = user.runtime / name
        self.address = f"unix:path={self.socket}"
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        services = self.user.home / ".local" / "share" / "dbus-1" / "services"
        config = self.user.home / f"{self.socket.name}.conf"
        config.write_text(f"""
<busconfig>
  <type>session</type>
  <listen>{self.address}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
""")
        self._daemon = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"],
            env=self.user.environment,
        )
        wait_for(lambda: listens(self.socket), "the bus")

    def stop(self) -> None:
        if self._daemon:
            self._daemon.terminate()
            self._daemon.wait(SECONDS)
        self.socket.unlink(missing_ok=True)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It reads and writes nothing."""
        assert self._daemon
        self._daemon.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._daemon.send_signal(signal.SIGCONT)

    def run(self, scenario: Coroutine[Any, Any, Any]) -> Any:
        """What `scenario` returns; it has some time."""
        return asyncio.run(asyncio.wait_for(scenario, SECONDS))

    def call(
        self, at: tuple[str, str], member: str, signature: str = "", *values: Any, **more: Any
    ) -> Any:
        """One call over a connection of its own: the reply's values."""

        async def once() -> Any:
            async with Caller(self) as caller:
                return await caller.call(at, member, signature, *values, **more)

        return self.run(once())

    def has(self, name: str) -> bool:
        """Whether somebody has that name."""
        at = ("/org/freedesktop/DBus", _DAEMON)
        return bool(self.call(at, "NameHasOwner", "s", name, destination=_DAEMON)[0])


def listens(path: Path) -> bool:
    """Whether somebody accepts connections at the socket: it is there a moment before."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


class Caller:
    """A program on the bus."""

    def __init__(self, bus: Bus) -> None:
        self._address = bus.address
        self.signals: list[Message] = []

    async def __aenter__(self) -> Caller:
        # dbus-fast's own would leave a bus that is stopped while calls are sent.
        self._bus = await QueueingBus(self._address).connect()
        self._bus.add_message_handler(self._keep)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._bus.disconnect()

    def _keep(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL:
            self.signals.append(message)

    async def call(
        self, at: tuple[str, str], member: str, signature: str = "", *values: Any, **more: Any
    ) -> Any:
        reply = await self.ask(at, member, signature, *values, **more)
        assert reply.message_type is MessageType.METHOD_RETURN, (reply.error_name, reply.body)
        return reply.body

    async def ask(
        self, at: tuple[str, str], member: str, signature: str = "", *values: Any, **more: Any
    ) -> Message:
        """The reply, or the error."""
        path, interface = at
        message = Message(
            destination=more.pop("destination", NAME),
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(values),
            **more,
        )
        reply = await self._bus.call(message)
        assert reply is not None
        return reply


def on_bus(bus: Bus) -> bool:
    """Whether a service has the name."""
    return bus.has(NAME)
