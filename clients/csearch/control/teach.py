"""csearchctl teach: teaches a word with a few pictures."""

from __future__ import annotations

import argparse
import os

from csearch.command import print_err, print_out
from csearch.connection import Connection
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import harmless, printable
from csearch.protocol.wire import Message
from csearch.search.pictures import opened
from csearch.show.numbers import count
from csearch.show.progress import ProgressLine
from csearch.show.terminal import Terminal

EXAMPLES = """
csearchctl teach "our dog Rex" a.jpg b.jpg c.jpg       then: csearch Rex on the beach
csearchctl teach "our dog Rex" d.jpg --not fox.jpg     more examples, and a counter-example
csearchctl concepts                                    what was taught
"""


_FILES_AT_ONCE = 32  # the service takes no more in one request


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.add_argument("name", metavar="NAME", help="the word, or a name of several words")
    options.add_argument("examples", metavar="PICTURE", nargs="*", help="pictures that show it")
    options.add_argument(
        "--not",
        dest="against",
        metavar="PICTURE",
        nargs="+",
        action="extend",
        default=[],
        help="pictures that look like it but don't show it",
    )


def run(options: argparse.Namespace) -> int:
    names = [*options.examples, *options.against]
    if not names:
        raise ClientError(
            f"name pictures that show {printable(options.name)}, five or more if you can"
        )
    connection = Connection(start=True)
    result: Message = {}
    new = False
    for start in range(0, len(names), _FILES_AT_ONCE):
        part = names[start : start + _FILES_AT_ONCE]
        against = min(len(part), max(0, start + len(part) - len(options.examples)))
        result = _teach(connection, options.name, part, against)
        new = new or result["new"]
    against_it = f", {count(result['against'], 'counter-example')}" if result["against"] else ""
    print_out(f"{harmless(result['name'])}: {count(result['examples'], 'example')}{against_it}")
    if new:
        print_err(f"In queries it is called: {harmless(', '.join(result['called']))}")
    return 0


def _teach(connection: Connection, name: str, names: list[str], against: int) -> Message:
    """Sends some pictures, the last `against` of which are counter-examples; returns the result."""
    pictures = [opened(picture) for picture in names]
    progress = ProgressLine(Terminal(2))
    result: Message = {}
    try:
        for reply in connection.request(
            "teach",
            [file for file, _ in pictures],
            name=name,
            pictures=[path for _, path in pictures],
            against=against,
        ):
            if reply["type"] == "progress":
                progress.update(reply)
            else:
                result = reply
    finally:
        progress.clear()
        for file, _ in pictures:
            os.close(file)
    return result
