"""The user's service manager, told of units that have come or go."""

from __future__ import annotations

from csearch.errors import ClientError
from csearch.launch import SOCKET_UNIT, UNIT, managed, systemctl
from csearch.protocol.quoting import harmless
from csearch.protocol.wire import AddressError, socket_path

BY_HAND = f"systemctl --user enable --now {SOCKET_UNIT} {UNIT}"


def answers() -> bool:
    """Whether there is a manager for the socket that clients use."""
    try:
        return managed(socket_path()) and systemctl("show-environment") is not None
    except AddressError:
        return False


def reload() -> None:
    """Lets the manager and the session bus see files that have changed."""
    _do("daemon-reload")
    systemctl("reload", "dbus.service")  # where that is the bus; others notice by themselves


def enable() -> None:
    """At every login, and the socket from now on. Raises ClientError."""
    _do("enable", UNIT)
    _do("enable", "--now", SOCKET_UNIT)


def start() -> None:
    """Raises ClientError."""
    _do("start", UNIT)


def disable() -> None:
    """Not any more, and ended. Raises ClientError."""
    _do("disable", "--now", SOCKET_UNIT, UNIT)


def _do(*arguments: str) -> None:
    done = systemctl(*arguments)
    if done is None or done[0] != 0:
        said = harmless(done[2].strip()) if done else "it does not answer"
        raise ClientError(f"systemctl --user {' '.join(arguments)}: {said}")
