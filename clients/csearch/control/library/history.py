"""csearchctl history: deletes past queries, which completion offers."""

from __future__ import annotations

import argparse

from csearch.command import print_out
from csearch.connection import Connection
from csearch.show.numbers import count

EXAMPLES = """
csearchctl history clear
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = (
        f"{options.description} The latest 500 are kept, on this machine only; none with keep "
        "= false in the table [history] of the configuration."
    )
    options.add_argument("action", choices=("clear",), help="delete all of them")


def run(options: argparse.Namespace) -> int:
    forgotten = Connection(start=True).call("history-clear")["queries"]
    print_out(f"{count(forgotten)} past {'query' if forgotten == 1 else 'queries'} deleted.")
    return 0
