"""csearchctl stop: ends the daemon, and waits until its process has ended."""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import signal
from contextlib import closing

from csearch.command import print_err, print_out
from csearch.connection import Connection
from csearch.directories import lock_path
from csearch.launch import UNIT, managed, systemctl
from csearch.protocol.connection import connect
from csearch.protocol.errors import ClientError, NotAnswering, NotRunning, ServiceError
from csearch.protocol.quoting import printable
from csearch.protocol.wire import peer_pid, socket_path

EXAMPLES = """
csearchctl stop
csearchctl stop && csearchctl start
"""

STOP_SECONDS = 20.0  # limit for a daemon to end; ten times what it should take
_SIGNAL_SECONDS = 5.0  # the same after SIGTERM, if it didn't answer


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = (
        f"{options.description} A service that doesn't answer is killed; nothing that is stored is "
        "lost."
    )


def run(options: argparse.Namespace) -> int:
    """Stopping what is not running is a success."""
    stopped = stop_daemon()
    print_out(
        "The search service has stopped." if stopped else "The search service is not running."
    )
    return 0


def stop_daemon() -> bool:
    """Ends the daemon and waits for its end; whether one was running. Raises ClientError."""
    seconds, failing = STOP_SECONDS, "didn't end"
    try:
        process = _ask_to_end()
        if process is None:
            process = _lock_holder()
            if process is None:
                return False
            process.send(signal.SIGTERM)  # harmless if it is about to end
    except NotAnswering:
        seconds, failing = _SIGNAL_SECONDS, "didn't answer"
        process = _silent_daemon()
        process.send(signal.SIGTERM)
    if not process.has_gone(seconds):
        _kill(process, failing)
    return True


class _Process:
    """A process, by a descriptor (pidfd_open(2)), so that its number can't become another's."""

    def __init__(self, number: int) -> None:
        """Raises ProcessLookupError."""
        self.number = number
        self._descriptor = os.pidfd_open(number)

    def has_gone(self, seconds: float = 0.0) -> bool:
        """Waits for the end of the process for some seconds; whether it has ended."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def send(self, number: signal.Signals) -> None:
        """Raises ClientError."""
        try:
            signal.pidfd_send_signal(self._descriptor, number)
        except ProcessLookupError:
            pass
        except PermissionError:
            raise ClientError(
                f"the search service, process {self.number}, is not yours to end; "
                "ask whoever started it"
            ) from None

    def has_open(self, path: str) -> bool:
        """Whether the process has the file open."""
        directory = f"/proc/{self.number}/fd"
        try:
            wanted = os.stat(path)
            files = [_stat(os.path.join(directory, name)) for name in os.listdir(directory)]
        except OSError:
            return False
        found = any(info and os.path.samestat(info, wanted) for info in files)
        return found and not self.has_gone()  # else the number may be another process's


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _ask_to_end() -> _Process | None:
    """Asks the daemon to end; returns it, or None if none is running. Raises ClientError."""
    try:
        connection = Connection(start=False)
        process = _Process(int(connection.greet()["pid"]))
        connection.call("stop")
    except (NotRunning, ProcessLookupError):
        return None
    except ServiceError as error:
        if error.code not in ("closed", "newer-client"):
            raise
        return None
    return process


def _lock_holder() -> _Process | None:
    """The daemon that holds the library's lock, if there is one.

    It may listen on another socket, or be ending, and have closed its socket. The lock's file has
    the number of its process, and stays when the lock is released.
    """
    path = lock_path()
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _Process(int(lock.read(20)))
                return holder if holder.has_open(path) else None
    except (OSError, ValueError):
        pass
    return None


def _listener(path: bytes) -> int:
    """The number of the process that listens at `path`; 0 if unknown. Raises ClientError."""
    try:
        with closing(connect(path)) as connection:
            return peer_pid(connection)
    except OSError:
        return 0


def _silent_daemon() -> _Process:
    """The daemon that listens and doesn't answer. Raises ClientError if it can't be told."""
    path = socket_path()
    holder = _lock_holder()
    listener = _listener(path)
    if holder is None or not (listener in (0, holder.number) or managed(path)):
        raise ClientError(
            f"what listens at {printable(path)} doesn't answer, and doesn't hold "
            f"{printable(lock_path())} as a search service does; its process is "
            f"{listener or 'unknown'}"
        )
    return holder


def _kill(process: _Process, failing: str) -> None:
    """Kills a daemon that holds the library's lock. Raises ClientError."""
    if not process.has_open(lock_path()):
        raise ClientError(
            f"the search service {failing}, and process {process.number} doesn't hold "
            f"{printable(lock_path())}, so it stays as it is; kill {process.number} ends it"
        )
    process.send(signal.SIGKILL)
    if not process.has_gone(STOP_SECONDS):
        raise ClientError(
            f"process {process.number} doesn't end, though it was killed; it may "
            "wait for a disk or a file server that doesn't answer"
        )
    if managed(socket_path()):
        systemctl("stop", UNIT)  # so that it isn't started again
    print_err(
        f"csearchctl: the search service, process {process.number}, {failing} and was killed; "
        "nothing that is stored is lost"
    )
