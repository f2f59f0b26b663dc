"""csearchctl rescan: looks for changes now."""

from __future__ import annotations

import argparse

from csearch.command import print_err, print_out
from csearch.connection import Connection
from csearch.paths import absolute
from csearch.protocol.quoting import printable

EXAMPLES = """
csearchctl rescan                 all watched directories
csearchctl rescan ~/Pictures/2024
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = f"{options.description} Without DIR, in all watched directories."
    options.add_argument(
        "directory", nargs="?", metavar="DIR", help="only this directory, watched or not"
    )


def run(options: argparse.Namespace) -> int:
    path = absolute(options.directory) if options.directory is not None else None
    directories = Connection(start=True).call("rescan", path=path)["directories"]
    for directory in directories:
        print_out(f"looking for changes in {printable(directory)}")
    if not directories:
        print_err("No directory is watched; csearchctl add DIR adds one.")
    return 0
