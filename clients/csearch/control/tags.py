"""csearchctl tags: writes tags that other programs read, and removes them again."""

from __future__ import annotations

import argparse

from csearch.arguments import add_action
from csearch.command import print_err, print_out
from csearch.connection import Connection
from csearch.paths import absolute
from csearch.protocol.errors import FAILURE, ClientError
from csearch.protocol.quoting import harmless, printable
from csearch.protocol.wire import Message
from csearch.show.numbers import count
from csearch.show.progress import ProgressLine
from csearch.show.terminal import Terminal

EXAMPLES = """
csearchctl tags preview ~/Pictures                  what would be written
csearchctl tags write --mode sidecar ~/Pictures     a file photo.jpg.xmp beside each picture
csearchctl tags write --mode xattr ~/Pictures       for Dolphin and Baloo; the files' contents stay
csearchctl tags write --mode embedded ~/Pictures    into the pictures; needs exiftool
csearchctl tags on --mode sidecar ~/Pictures        now, and new pictures when they come
csearchctl tags off ~/Pictures
csearchctl tags undo ~/Pictures
csearchctl tags undo --all
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    actions = options.add_subparsers(dest="action", required=True, metavar="ACTION")
    preview = add_action(
        actions, EXAMPLES, "preview", "show the tags that pictures would get; write nothing"
    )
    preview.add_argument("--json", action="store_true", help="one JSON object a line")
    preview.add_argument("directory", metavar="DIR")
    _with_mode(add_action(actions, EXAMPLES, "write", "tag the pictures below a directory, now"))
    _with_mode(
        add_action(actions, EXAMPLES, "on", "keep a directory tagged, and watched, from now on")
    )
    off = add_action(actions, EXAMPLES, "off", "stop keeping a directory tagged; its tags stay")
    off.add_argument("directory", metavar="DIR")
    undo = add_action(
        actions, EXAMPLES, "undo", "remove all tags that csearch has written, and no others"
    )
    where = undo.add_mutually_exclusive_group(required=True)
    where.add_argument("directory", nargs="?", metavar="DIR|FILE")
    where.add_argument("--all", action="store_true", help="everywhere")


def _with_mode(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--mode",
        required=True,
        choices=("xattr", "sidecar", "embedded"),
        help="where: in extended attributes, in a file beside the picture, or in the picture",
    )
    action.add_argument("directory", metavar="DIR")


def run(options: argparse.Namespace) -> int:
    path = absolute(options.directory) if options.directory is not None else None
    connection = Connection(start=True)
    if options.action == "on":
        result = connection.call("tags-on", path=path, mode=options.mode)
        watched = " and watched" if result["added"] else ""
        print_out(f"{printable(result['path'])} is kept tagged{watched} from now on")
        return 0
    if options.action == "off":
        for one in connection.call("tags-off", path=path)["paths"]:
            print_out(
                f"{printable(one)} is no longer kept tagged; csearchctl tags undo removes the tags"
            )
        return 0
    if options.action == "preview":
        return _preview(connection, absolute(options.directory), options.json)
    if options.action == "write":
        return _follow(connection, "tagged", "tags-write", path=path, mode=options.mode)
    return _follow(connection, "restored", "tags-undo", path=path)


def undo_all() -> int:
    """Takes back all that csearch has written; returns the exit status. Raises ClientError."""
    return _follow(Connection(start=True), "restored", "tags-undo", path=None)


def _preview(connection: Connection, path: bytes, as_json: bool) -> int:
    """Prints a line for each picture that would get tags; returns the exit status."""
    from csearch.show.json import line, path_fields

    progress = ProgressLine(Terminal(2))
    result: Message = {}
    try:
        for reply in connection.request("tags-preview", path=path):
            if reply["type"] == "progress":
                progress.update(reply)
            elif reply["type"] == "hits":
                progress.clear()
                for hit in reply["hits"]:
                    if as_json:
                        tags = [{"tag": word, "confidence": sure} for word, sure in hit["tags"]]
                        print_out(
                            line({**path_fields(hit["path"]), "tags": tags}).decode().rstrip()
                        )
                    elif hit["tags"]:
                        words = ", ".join(f"{word} {sure:.0%}" for word, sure in hit["tags"])
                        print_out(f"{printable(hit['path'])}: {harmless(words)}")
            else:
                result = reply
    finally:
        progress.clear()
    print_err(f"{count(result['tagged'])} of {count(result['files'], 'picture')} would get tags")
    return 0


def _follow(connection: Connection, did: str, op: str, **arguments: object) -> int:
    """Shows progress, skipped pictures and the totals; returns the exit status."""
    progress = ProgressLine(Terminal(2))
    result: Message = {}
    try:
        for reply in connection.request(op, **arguments):
            if reply["type"] == "progress":
                progress.update(reply)
            elif reply["type"] == "hits":
                progress.clear()
                for hit in reply["hits"]:
                    print_err(f"{printable(hit['path'])}: left alone: {harmless(hit['reason'])}")
            else:
                result = reply
    except KeyboardInterrupt:
        progress.clear()
        raise ClientError("interrupted; run the same command again to do the rest") from None
    finally:
        progress.clear()
    for folder in result.get("folders", ()):
        print_out(f"{printable(folder)} is no longer kept tagged")
    left = f"; {count(result['left'])} left alone" if result["left"] else ""
    print_out(f"{count(result['written'], 'picture')} {did}{left}")
    return FAILURE if result["left"] else 0
