"""csearchctl stop: ends the daemon, and returns when its process has gone."""

from __future__ import annotations

import argparse
import os
import select

from csearch.command import say
from csearch.connection import Connection
from csearch.errors import ClientError, NotRunning

EXAMPLES = """
csearchctl stop
csearchctl stop && csearchctl start
"""

STOP_SECONDS = 20.0  # ten times what it should take


def add_arguments(options: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace) -> int:
    """Stopping what is not running is a success."""
    try:
        connection = Connection(start=False)
        connection.call("stop")
    except NotRunning:
        say("The search service is not running.")
        return 0
    pid = connection.server["pid"]
    if not _gone(pid):
        raise ClientError(
            f"the search service has not ended after {STOP_SECONDS:.0f} seconds; kill -9 {pid} "
            "ends it, and nothing that is stored is lost"
        )
    say("The search service has stopped.")
    return 0


def _gone(pid: int) -> bool:
    """Waits for the end of the process."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(STOP_SECONDS * 1000))
