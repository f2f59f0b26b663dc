"""csearchctl forget: removes files and directories from the library."""

from __future__ import annotations

import argparse

from csearch.command import print_out
from csearch.connection import Connection
from csearch.paths import absolute
from csearch.show.numbers import count

EXAMPLES = """
csearchctl forget ~/Pictures/private
csearchctl forget /media/sold-camera     also if it no longer exists
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = (
        f"{options.description} Its thumbnails and the past queries that name it are deleted, "
        "too. What still exists in a watched directory is added again by the next scan. To prevent "
        "that, put a file .nosearch into its directory, or stop watching that with csearchctl "
        "remove."
    )
    options.add_argument("paths", nargs="+", metavar="PATH", help="a file or a directory")


def run(options: argparse.Namespace) -> int:
    connection = Connection(start=True)
    files = sum(connection.call("forget", path=absolute(path))["files"] for path in options.paths)
    print_out(f"{count(files, 'file')} forgotten.")
    return 0
