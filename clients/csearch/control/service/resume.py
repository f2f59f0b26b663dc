"""csearchctl resume: continues to read pictures."""

from __future__ import annotations

import argparse

from csearch.command import print_out
from csearch.connection import Connection

EXAMPLES = """
csearchctl resume
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace) -> int:
    Connection(start=True).call("resume")
    print_out("Pictures are being read again.")
    return 0
