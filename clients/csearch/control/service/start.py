"""csearchctl start: starts the daemon if none is running."""

from __future__ import annotations

import argparse

from csearch.command import print_out
from csearch.connection import Connection

EXAMPLES = """
csearchctl start
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace) -> int:
    connection = Connection(start=True)
    connection.call("status")
    print_out(f"The search service is running (process {connection.server['pid']}).")
    return 0
