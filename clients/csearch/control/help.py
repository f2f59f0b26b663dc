"""csearchctl help: the manual pages and their sections, by `man` on a terminal, else as plain
text."""

from __future__ import annotations

import argparse
import os
import shutil

from csearch.command import print_out
from csearch.installation.items import share
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words
from csearch.show.manual import plain_text, section
from csearch.show.terminal import Terminal, is_terminal

EXAMPLES = """
csearchctl help              the list of topics
csearchctl help filters      how to search by date, place, camera, keyword …
csearchctl help query        the whole query language
csearchctl help add          what a command does
"""
_HOW = "csearchctl help TOPIC shows the manual of one of these; man csearch is its first page."
PAGES = {
    "query": ("csearch-query.7", "the query language"),
    "tags": ("csearch-tags.7", "tags that other programs read"),
    "config": ("csearch-config.5", "the configuration"),
    "csearch": ("csearch.1", "the search command"),
    "csearchctl": ("csearchctl.1", "the commands that control the service"),
    "csearchd": ("csearchd.8", "the service"),
}
SECTIONS = {
    "filters": ("csearch-query.7", "FILTERS", "all filters: what is known of a picture"),
    "dates": ("csearch-query.7", "Time", "filters by date: after: before: on: date:"),
    "places": ("csearch-query.7", "Place", "filters by place: near:"),
    "words": ("csearch-query.7", "DESCRIPTIONS", "descriptions, with +, - and weights"),
    "names": ("csearch-query.7", "NAMES", "words that are found in names and keywords"),
    "pictures": ("csearch-query.7", "PICTURES", "searching with pictures"),
    "options": ("csearch.1", "OPTIONS", "the options of csearch"),
    "examples": ("csearch.1", "EXAMPLES", "searches to begin with"),
    "missing": ("csearchd.8", "A PICTURE THAT ISN'T FOUND", "why a picture isn't found"),
    "formats": ("csearchd.8", "WHICH FILES ARE READ", "which files are read, and which are not"),
    "ignoring": ("csearchd.8", "IGNORED FILES", "keeping files out, by .csearchignore"),
    "watching": ("csearchd.8", "WATCHED DIRECTORIES", "what csearchctl add does"),
    "mounts": ("csearchd.8", "NETWORK AND CLOUD MOUNTS", "disks of other machines"),
}
"""Topics that are a section of a page: the page, the heading, what it is about."""


def add_arguments(options: argparse.ArgumentParser) -> None:
    from csearch.control.commands import COMMANDS

    options.add_argument(
        "topic",
        nargs="?",
        metavar="TOPIC",
        choices=list(dict.fromkeys([*PAGES, *SECTIONS, *COMMANDS])),
        help="a topic or a command; without it, the topics are listed",
    )


def run(options: argparse.Namespace) -> int:
    topic = options.topic
    if topic is None:
        print_out(_topics())
    elif topic in PAGES:
        _show(PAGES[topic][0], "")
    elif topic in SECTIONS:
        _show(*SECTIONS[topic][:2])
    else:
        from csearch.control.commands import build_parser

        print_out(build_parser(topic).format_help().rstrip())
    return 0


def _topics() -> str:
    from csearch.control.commands import COMMANDS

    width = max(map(len, (*PAGES, *SECTIONS, *COMMANDS)))
    sections = [f"  {name:{width}}  {text}" for name, (*_, text) in SECTIONS.items()]
    pages = [f"  {name:{width}}  {text}" for name, (_, text) in PAGES.items()]
    others = [f"  {name:{width}}  {text}" for name, text in COMMANDS.items() if name not in PAGES]
    parts = ["Topics:", *sections, "", "Whole pages:", *pages, "", "Commands:", *others, "", _HOW]
    return "\n".join(parts)


def _show(page: str, heading: str) -> None:
    """Shows a page, or its section with a heading. Raises ClientError."""
    path = os.path.join(share(), "integrations", "man", page)
    terminal = Terminal(1)
    # Its pager waits for keys, also where nobody can type any.
    man = shutil.which("man") if terminal.controls and is_terminal(0) else None
    if man and not heading:
        os.execv(man, ["man", "-l", path])
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise ClientError(f"{printable(path)}: {in_words(error)}; install csearch again") from error
    if heading:
        text = section(text, heading)
    if man:
        _give_to_man(man, text)
    print_out(plain_text(text, terminal.width))


def _give_to_man(man: str, text: str) -> None:
    """Becomes `man`, which shows a page on standard input."""
    page = os.memfd_create("page")
    os.write(page, text.encode())
    os.lseek(page, 0, os.SEEK_SET)
    os.dup2(page, 0)
    os.execv(man, ["man", "-l", "-"])
