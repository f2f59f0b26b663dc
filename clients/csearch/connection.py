"""The commands' connection to the daemon, which starts it where a command may."""

from __future__ import annotations

from collections.abc import Mapping

from csearch.command import print_err
from csearch.protocol import connection
from csearch.protocol.connection import ABSENT, NOT_RUNNING, connect
from csearch.protocol.errors import NotRunning
from csearch.show.terminal import is_terminal

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from _socket import socket


class Connection(connection.Connection):
    """A connection that starts the daemon first, if it is told to."""

    # Where it restarts as the installed version, was about to end, or has closed an idle connection
    _RETRY_SECONDS: Mapping[str, float] = {"restarting": 30.0, "closed": 3.0, "idle": 3.0}

    def __init__(
        self, start: bool, patient: bool | None = None, address: bytes | None = None
    ) -> None:
        """Connects; with `start` after starting the daemon if none runs, else raises NotRunning.

        `patient`: whether to wait for a daemon that doesn't answer; by default on a terminal, if
        `start`. `address`: of the socket, where it is not the user's.
        """
        self._start = start
        super().__init__(start and is_terminal(2) if patient is None else patient, address)

    def _open(self, path: bytes) -> socket:
        if not self._start:
            if self._address is None:
                _check_running(path)
            return super()._open(path)
        try:
            return self._connected(path)
        except ABSENT:
            from csearch.launch import start_daemon

            return start_daemon(path, connect)

    def _is_starting(self, path: bytes) -> bool:
        from csearch.launch import is_starting

        return is_starting(path)

    def _print(self, text: str) -> None:
        print_err(text)


def _check_running(path: bytes) -> None:
    """Raises NotRunning if systemd listens at `path`, so that connecting would start the daemon."""
    from csearch.launch import connecting_starts

    if connecting_starts(path):
        raise NotRunning(NOT_RUNNING)
