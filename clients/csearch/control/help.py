"""csearchctl help: the manual pages, by `man` on a terminal, else as plain text."""

from __future__ import annotations

import argparse
import os
import shutil

from csearch.command import print_out
from csearch.installation.items import share
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable
from csearch.show.manual import plain_text
from csearch.show.terminal import Terminal

EXAMPLES = """
csearchctl help              the list of topics
csearchctl help query        the query language
csearchctl help add          what a command does
"""
_HOW = "csearchctl help TOPIC shows the manual of one of these."
PAGES = {
    "query": ("csearch-query.7", "the query language"),
    "tags": ("csearch-tags.7", "tags that other programs read"),
    "config": ("csearch-config.5", "the configuration"),
    "csearch": ("csearch.1", "the search command"),
    "csearchctl": ("csearchctl.1", "the commands that control the service"),
    "csearchd": ("csearchd.8", "the service"),
}


def add_arguments(options: argparse.ArgumentParser) -> None:
    from csearch.control.commands import COMMANDS

    options.add_argument(
        "topic",
        nargs="?",
        metavar="TOPIC",
        choices=list(dict.fromkeys([*PAGES, *COMMANDS])),
        help="a topic or a command; without it, the topics are listed",
    )


def run(options: argparse.Namespace) -> int:
    if options.topic is None:
        print_out(_topics())
    elif options.topic in PAGES:
        _show(os.path.join(share(), "integrations", "man", PAGES[options.topic][0]))
    else:
        from csearch.control.commands import build_parser

        print_out(build_parser(options.topic).format_help().rstrip())
    return 0


def _topics() -> str:
    from csearch.control.commands import COMMANDS

    width = max(map(len, (*PAGES, *COMMANDS)))
    lines = [f"  {name:{width}}  {text}" for name, (_, text) in PAGES.items()]
    others = [f"  {name:{width}}  {text}" for name, text in COMMANDS.items() if name not in PAGES]
    return "\n".join(["Topics:", *lines, "", "Commands:", *others, "", _HOW])


def _show(page: str) -> None:
    """Raises ClientError."""
    terminal = Terminal(1)
    man = shutil.which("man") if terminal.interactive else None
    if man:
        os.execv(man, ["man", "-l", page])
    try:
        with open(page, encoding="utf-8") as file:
            print_out(plain_text(file.read(), terminal.width))
    except OSError as error:
        raise ClientError(f"{printable(page)}: {error.strerror}; install csearch again") from error
