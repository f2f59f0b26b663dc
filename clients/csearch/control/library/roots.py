"""csearchctl roots: lists the directories that are watched, and those that are only known."""

from __future__ import annotations

import argparse

from csearch.command import print_err, print_out, write
from csearch.connection import Connection
from csearch.protocol.quoting import printable
from csearch.show.numbers import count
from csearch.show.status import directory_lines
from csearch.show.terminal import Terminal

EXAMPLES = """
csearchctl roots
csearchctl roots | cat      the watched ones, one path a line, for scripts
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = (
        f"{options.description} Directories that are known from searches, and not watched, are "
        "listed below them; in a pipe, on standard error."
    )


def run(options: argparse.Namespace) -> int:
    terminal = Terminal(1)
    found = Connection(start=True).call("roots")
    if terminal.interactive:
        print_out("\n".join(directory_lines(found, terminal)))
        return 0
    write(b"".join(root["path"] + b"\n" for root in found["roots"]))
    for one in found.get("known") or ():
        pictures = count(one["images"], "picture")
        print_err(f"csearchctl: known, not watched: {printable(one['path'])} ({pictures})")
    return 0
