"""csearchctl status: shows what the daemon is doing. It never starts one."""

from __future__ import annotations

import argparse
import time

from csearch.command import print_out, write
from csearch.connection import Connection
from csearch.protocol.errors import NOT_RUNNING, NotRunning
from csearch.protocol.wire import Message
from csearch.show.status import status_lines
from csearch.show.terminal import Terminal

EXAMPLES = """
csearchctl status
csearchctl status --watch                     every second, until Ctrl-C
csearchctl status --json | jq .pending        for scripts
"""

WATCH_SECONDS = 1.0
_REDRAW = "\x1b[H\x1b[J"  # to the top, and clear what follows


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = f"{options.description} Exit status: 0, or 1 if the service is stopped."
    options.add_argument("--json", action="store_true", help="as one JSON object")
    options.add_argument("--watch", action="store_true", help="again every second, until Ctrl-C")


def run(options: argparse.Namespace) -> int:
    terminal = Terminal(1)
    if not options.watch:
        return _show(options.json, terminal, "")
    try:
        while True:
            _show(options.json, terminal, _REDRAW if terminal.controls else "")
            time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return 0


def _show(json: bool, terminal: Terminal, before: str) -> int:
    status = _status()
    if json:
        from csearch.show.json import line, plain

        write(line(plain(status)))
    else:
        print_out(before + "\n".join(status_lines(status, terminal)))
    return NOT_RUNNING if status["state"] == "stopped" else 0


def _status() -> Message:
    try:
        reply = Connection(start=False).call("status")
    except NotRunning:
        return {"state": "stopped"}
    return {key: value for key, value in reply.items() if key not in ("id", "type")}
