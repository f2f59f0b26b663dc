"""csearchctl reload: reads the configuration again."""

from __future__ import annotations

import argparse

from csearch.command import print_out
from csearch.connection import Connection

EXAMPLES = """
csearchctl reload
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace) -> int:
    Connection(start=True).call("reload")
    print_out("The configuration has been read again.")
    return 0
