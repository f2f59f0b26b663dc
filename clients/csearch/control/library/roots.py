"""csearchctl roots: lists the directories that are watched."""

from __future__ import annotations

import argparse

from csearch.command import print_err, print_out, write
from csearch.connection import Connection
from csearch.show.status import root_lines
from csearch.show.terminal import Terminal

EXAMPLES = """
csearchctl roots
csearchctl roots | cat      one path a line, for scripts
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace) -> int:
    terminal = Terminal(1)
    roots = Connection(start=True).call("roots")["roots"]
    if not terminal.interactive:
        write(b"".join(root["path"] + b"\n" for root in roots))
    elif roots:
        print_out("\n".join(root_lines(roots, terminal)))
    else:
        print_err("No directory is watched; csearchctl add DIR adds one.")
    return 0
