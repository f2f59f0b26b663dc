"""What the service manager is told: sd_notify(3), where it asks to be told."""

from __future__ import annotations

import os
import socket


class Notifier:
    """Sends states to `$NOTIFY_SOCKET`; does nothing where there is none."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._status = ""

    @property
    def active(self) -> bool:
        """Whether anybody wants to be told."""
        return bool(self._address)

    def send(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.sendto(state.encode(), self._address)
        except OSError:
            pass  # nobody can be told that nobody can be told

    def status(self, text: str) -> None:
        """One line about what is being done, sent when it changes."""
        if text != self._status:
            self._status = text
            self.send(f"STATUS={text}")

    @property
    def watchdog_seconds(self) -> float | None:
        """How often a sign of life is due: twice in the time that the manager allows."""
        if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            return None
        microseconds = os.environ.get("WATCHDOG_USEC", "")
        return int(microseconds) / 2e6 if self._address and microseconds.isdigit() else None
