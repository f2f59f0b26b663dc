"""csearchctl history: lists or deletes past queries, which completion offers."""

from __future__ import annotations

import argparse

from csearch.command import print_err, print_out
from csearch.connection import Connection
from csearch.protocol.quoting import harmless
from csearch.show.numbers import count

EXAMPLES = """
csearchctl history          the latest last
csearchctl history clear
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = (
        f"{options.description} The latest 500 that found something are kept, on this machine "
        "only; none with keep = false in the table [history] of the configuration. csearchctl "
        "forget PATH deletes those that name a file or directory."
    )
    options.add_argument("action", nargs="?", choices=("clear",), help="delete all of them")


def run(options: argparse.Namespace) -> int:
    connection = Connection(start=True)
    if options.action == "clear":
        forgotten = connection.call("history-clear")["queries"]
        print_out(f"{_queries(forgotten)} deleted.")
        return 0
    found = connection.call("history")
    for query in reversed(found["queries"]):
        print_out(harmless(query))
    if not found["keeps"]:
        print_err("No queries are kept, as the configuration says ([history] keep = false).")
    if found["queries"]:
        print_err(f"{_queries(len(found['queries']))}; csearchctl history clear deletes them.")
    elif found["keeps"]:
        print_err("No past queries are kept yet.")
    return 0


def _queries(number: int) -> str:
    return count(number, "past query")
