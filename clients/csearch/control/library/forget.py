"""csearchctl forget: removes files and directories from the library."""

from __future__ import annotations

import argparse
import shlex

from csearch.command import print_out
from csearch.connection import Connection
from csearch.paths import absolute
from csearch.protocol.quoting import printable
from csearch.protocol.wire import Message
from csearch.show.numbers import count
from csearch.show.progress import ProgressLine
from csearch.show.terminal import Terminal

EXAMPLES = """
csearchctl forget ~/Pictures/private
csearchctl forget /media/sold-camera     also if it no longer exists
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = (
        f"{options.description} Its thumbnails and the past queries that name it are deleted, "
        "too, and no more of it is read. Watched directories inside it are kept, unless they are "
        "named themselves. What still exists in a watched directory is added again by the next "
        "scan. To prevent that, put a file .nosearch into its directory, or stop watching that "
        "with csearchctl remove."
    )
    options.add_argument("paths", nargs="+", metavar="PATH", help="a file or a directory")


def run(options: argparse.Namespace) -> int:
    connection = Connection(start=True)
    results = [_forget(connection, absolute(path)) for path in options.paths]
    print_out(f"{count(sum(result['files'] for result in results), 'file')} forgotten.")
    if left := max(result.get("left") or 0 for result in results):
        print_out(
            f"Nothing finds them any more. What was stored of {count(left, 'file')} is still being "
            "deleted; csearchctl status tells how far that is."
        )
    for kept in dict.fromkeys(path for result in results for path in result.get("kept") or []):
        where = shlex.quote(printable(kept))
        print_out(
            f"{printable(kept)} is watched and was kept; csearchctl forget {where} empties it."
        )
    return 0


def _forget(connection: Connection, path: bytes) -> Message:
    """Shows the progress; returns the result. Raises ClientError."""
    progress = ProgressLine(Terminal(2))
    result: Message = {}
    try:
        for reply in connection.request("forget", path=path):
            if reply["type"] == "progress":
                progress.update(reply)
            else:
                result = reply
    finally:
        progress.clear()
    return result
