"""csearchctl text: forgets the words in pictures, or lets them be read again."""

from __future__ import annotations

import argparse

from csearch.arguments import add_action
from csearch.command import print_out
from csearch.connection import Connection
from csearch.paths import absolute
from csearch.protocol.errors import ClientError
from csearch.show.numbers import count

EXAMPLES = """
csearchctl text forget ~/Pictures/private
csearchctl text forget --all
csearchctl text read ~/Pictures/private
csearchctl text read                         everywhere
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    actions = options.add_subparsers(dest="action", metavar="ACTION", required=True)
    forget = add_action(
        actions, EXAMPLES, "forget", "delete the words of pictures, also of copies elsewhere"
    )
    forget.description = (
        f"{forget.description} They are not read again until csearchctl text read. Pictures that "
        "come later are read, unless text.enabled is false in the configuration."
    )
    forget.add_argument("paths", nargs="*", metavar="PATH", help="a picture or a directory")
    forget.add_argument("--all", action="store_true", help="those of all pictures")
    read = add_action(
        actions, EXAMPLES, "read", "read words that were forgotten, or could not be read"
    )
    read.add_argument(
        "paths", nargs="*", metavar="PATH", help="a picture or a directory (everywhere)"
    )


def run(options: argparse.Namespace) -> int:
    if options.action == "forget" and options.all == bool(options.paths):
        raise ClientError("csearchctl text forget needs either a PATH or --all")
    connection = Connection(start=True)
    paths: list[bytes | None] = [absolute(path) for path in options.paths]
    operation = f"text-{options.action}"
    done = [connection.call(operation, path=path)["pictures"] for path in paths or [None]]
    what = "are forgotten" if options.action == "forget" else "will be read"
    print_out(f"The words of {count(sum(done), 'picture')} {what}.")
    return 0
