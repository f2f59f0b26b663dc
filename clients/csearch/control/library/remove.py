"""csearchctl remove: stops watching roots."""

from __future__ import annotations

import argparse

from csearch.command import print_out
from csearch.connection import Connection
from csearch.paths import absolute
from csearch.protocol.quoting import printable

EXAMPLES = """
csearchctl remove ~/Pictures/old
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.add_argument("directories", nargs="+", metavar="DIR", help="the directory")


def run(options: argparse.Namespace) -> int:
    connection = Connection(start=True)
    for directory in options.directories:
        result = connection.call("remove", path=absolute(directory))
        print_out(f"{printable(result['path'])} is no longer watched")
    return 0
