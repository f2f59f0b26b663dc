"""csearchctl failed: lists the pictures that could not be read."""

from __future__ import annotations

import argparse

from csearch.command import print_err, print_out, write
from csearch.connection import Connection
from csearch.protocol.quoting import harmless, printable
from csearch.protocol.wire import Message
from csearch.show.numbers import count
from csearch.show.terminal import Terminal

EXAMPLES = """
csearchctl failed                 each with the reason
csearchctl failed | cut -f1       only the paths
csearchctl failed --retry         try them again now
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--retry", action="store_true", help="read them again now, not only when their files change"
    )


def run(options: argparse.Namespace) -> int:
    terminal = Terminal(1)
    for reply in Connection(start=True).request("failed", retry=options.retry):
        for hit in reply.get("hits", ()):
            if terminal.interactive:
                reason = terminal.styled(harmless(hit["reason"]), "31")
                print_out(f"{printable(hit['path'])}: {reason}")
            else:
                write(_field(hit["path"]) + b"\t" + harmless(hit["reason"]).encode() + b"\n")
    if options.retry and reply["count"]:
        print_err(f"{_retried(reply)} will be tried again.")
    elif not reply["count"]:
        print_err("Every picture could be read.")
    return 0


def _retried(result: Message) -> str:
    """How many pictures, and directories that can't be listed, are tried again."""
    pictures, directories = result["retried"], result.get("directories") or 0
    parts = [count(pictures, "picture")] if pictures or not directories else []
    if directories:
        parts.append(count(directories, "directory"))
    return " and ".join(parts)


def _field(path: bytes) -> bytes:
    """A path as a field of a line; escaped if it contains a tab or a newline."""
    return printable(path).encode() if b"\n" in path or b"\t" in path else path
