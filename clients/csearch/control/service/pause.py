"""csearchctl pause: stops reading pictures; searching still works."""

from __future__ import annotations

import argparse

from csearch.command import print_out
from csearch.connection import Connection

EXAMPLES = """
csearchctl pause
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace) -> int:
    Connection(start=True).call("pause")
    print_out("Reading pictures is paused; csearchctl resume continues it.")
    return 0
