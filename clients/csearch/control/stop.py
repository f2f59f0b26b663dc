"""csearchctl stop: ends the daemon, and returns when its process has gone."""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import signal

from csearch.command import say
from csearch.connection import Connection
from csearch.directories import data_directory
from csearch.errors import ClientError, NotRunning, ServiceError

EXAMPLES = """
csearchctl stop
csearchctl stop && csearchctl start
"""

STOP_SECONDS = 20.0  # ten times what it should take


def add_arguments(options: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace) -> int:
    """Stopping what is not running is a success."""
    stopped = stop_daemon()
    say("The search service has stopped." if stopped else "The search service is not running.")
    return 0


def stop_daemon() -> bool:
    """Ends the daemon and waits until it has gone; whether there was one. Raises ClientError."""
    pid = _stop()
    if pid is None:
        pid = _lock_holder()
        if pid is None:
            return False
        _end(pid)
    if not _gone(pid):
        raise ClientError(
            f"the search service has not ended after {STOP_SECONDS:.0f} seconds; kill -9 {pid} "
            "ends it, and nothing that is stored is lost"
        )
    return True


def _stop() -> int | None:
    """Asks the daemon to end; its process. None if none answers, or none any more."""
    try:
        connection = Connection(start=False)
        connection.call("stop")
    except NotRunning:
        return None
    except ServiceError as error:
        if error.code != "closed":
            raise
        return None
    return int(connection.server["pid"])


def _lock_holder() -> int | None:
    """The daemon that holds the library: one that listens elsewhere, or that ends, which closes its
    socket a moment before it goes.

    The lock's file, which tells the process, stays when the lock has gone.
    """
    try:
        with open(os.path.join(data_directory(), "lock"), "rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read())
    except (OSError, ValueError):
        pass
    return None


def _end(pid: int) -> None:
    """Does no harm to one that is about to end. Raises ClientError."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise ClientError(f"the search service, process {pid}, is not yours to end") from None


def _gone(pid: int) -> bool:
    """Waits for the end of the process."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(STOP_SECONDS * 1000))
