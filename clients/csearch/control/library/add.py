"""csearchctl add: makes directories roots, which are watched."""

from __future__ import annotations

import argparse

from csearch.command import print_out
from csearch.connection import Connection
from csearch.paths import absolute
from csearch.protocol.quoting import harmless, printable
from csearch.show.numbers import count

EXAMPLES = """
csearchctl add ~/Pictures
csearchctl add ~/Pictures /media/camera
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.add_argument("directories", nargs="+", metavar="DIR", help="the directory")


def run(options: argparse.Namespace) -> int:
    connection = Connection(start=True)
    for directory in options.directories:
        result = connection.call("add", path=absolute(directory))
        print_out(
            f"{printable(result['path'])} is watched; {count(result['images'], 'picture')} known "
            "so far (csearchctl status shows the progress)"
        )
        for note in result.get("notes") or ():
            print_out(f"Note: {harmless(note)}")
    return 0
