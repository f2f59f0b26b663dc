"""Tells the user's service manager about installed and removed units."""

from __future__ import annotations

from csearch.launch import SOCKET_UNIT, UNIT, managed, systemctl
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import harmless
from csearch.protocol.wire import AddressError, socket_path

MANUAL_COMMAND = f"systemctl --user enable --now {SOCKET_UNIT} {UNIT}"


def answers() -> bool:
    """Whether a service manager runs for the session of the socket that clients use."""
    try:
        return managed(socket_path()) and systemctl("show-environment") is not None
    except AddressError:
        return False


def reload() -> None:
    """Makes the manager and the session bus read changed files. Raises ClientError."""
    _do("daemon-reload")
    systemctl("reload", "dbus.service")  # other implementations notice changes by themselves


def enable() -> None:
    """Starts the service at every login, and the socket at once. Raises ClientError."""
    _do("enable", UNIT)
    _do("enable", "--now", SOCKET_UNIT)


def start() -> None:
    """Starts the service. Raises ClientError."""
    _do("start", UNIT)


def disable() -> None:
    """Ends the service and doesn't start it at login any more. Raises ClientError."""
    _do("disable", "--now", SOCKET_UNIT, UNIT)


def _do(*arguments: str) -> None:
    done = systemctl(*arguments)
    if done is None or done[0] != 0:
        said = harmless(done[2].strip()) if done else "it does not answer"
        raise ClientError(
            f"the service manager failed at `systemctl --user {' '.join(arguments)}` ({said}); "
            f"journalctl --user -u {UNIT} may tell why; correct that and run the command again"
        )
