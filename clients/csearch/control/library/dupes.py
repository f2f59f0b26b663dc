"""csearchctl dupes: lists pictures that are the same, nearly the same, or of one burst."""

from __future__ import annotations

import argparse

from csearch.command import print_err, write
from csearch.connection import Connection
from csearch.paths import absolute
from csearch.protocol.quoting import printable
from csearch.protocol.wire import Message
from csearch.show.json import line, path_fields
from csearch.show.numbers import count, size
from csearch.show.progress import ProgressLine
from csearch.show.terminal import Terminal

EXAMPLES = """
csearchctl dupes                     everywhere known; a blank line between groups
csearchctl dupes ~/Pictures          below a directory
csearchctl dupes --exact ~/Pictures  only identical pixels, with any keywords and names
csearchctl dupes --json | jq .       with kind, likeness, pixels, size, and the best
csearchctl dupes -0                  NUL after each path, and another after each group
"""


_FIELDS = ("likeness", "pixels", "size")
_KINDS = {"exact": "the same", "near": "nearly the same", "burst": "a burst, all different"}


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.add_argument("directory", nargs="?", metavar="DIR", help="only below DIR")
    options.add_argument("--exact", action="store_true", help="only pictures with identical pixels")
    form = options.add_mutually_exclusive_group()
    form.add_argument("-0", dest="zero", action="store_true", help="NUL instead of newlines")
    form.add_argument("--json", action="store_true", help="one JSON object a group, a line each")


def run(options: argparse.Namespace) -> int:
    terminal = Terminal(1)
    path = absolute(options.directory) if options.directory is not None else None
    progress = ProgressLine(Terminal(2), [path] if path else ())
    result: Message = {}
    try:
        replies = Connection(start=True).request("dupes", path=path, exact=options.exact)
        for reply in replies:
            if reply["type"] == "progress":
                progress.update(reply)
            elif reply["type"] == "hits":
                progress.clear()
                for group in reply["hits"]:
                    write(_shown(group, options, terminal))
            else:
                result = reply
    finally:
        progress.clear()
    print_err(_summary(result))
    if result["unsigned"]:
        some = count(result["unsigned"], "picture")
        print_err(f"Not compared yet, since they must be read once more: {some}.")
    return 0


def _summary(result: Message) -> str:
    exact, near = result["groups"] - result["near"], result["near"]
    parts = []
    if exact:
        parts.append(f"{count(exact, 'group')} of the same pictures")
    if near:
        parts.append(f"{count(near, 'group')} of nearly the same")
    if result["bursts"]:
        parts.append(f"{count(result['bursts'], 'burst')} of different ones")
    if not parts:
        return "There are no duplicates."
    spare = result["spare"]
    more = f" {count(spare, 'file')} more than needed." if spare else ""
    return f"{', '.join(parts)}.{more}"


def _shown(group: Message, options: argparse.Namespace, terminal: Terminal) -> bytes:
    files = group["files"]
    if options.json:
        keeps = group["kind"] != "burst"
        told = [
            {
                **path_fields(file["path"]),
                **{name: file[name] for name in _FIELDS},
                "best": keeps and file is files[0],
            }
            for file in files
        ]
        return line({"kind": group["kind"], "exact": group["exact"], "files": told})
    end = b"\0" if options.zero else b"\n"
    if group["kind"] == "burst" and (options.zero or not terminal.interactive):
        return b""  # paths alone can't say that they are different pictures
    if not terminal.interactive or options.zero:
        return b"".join(file["path"] + end for file in files) + end
    rows = [terminal.styled(f"{count(len(files), 'picture')}, {_KINDS[group['kind']]}:", "1")]
    rows += [
        f"  {file['pixels'] / 1e6:6.1f} MP  {size(file['size']):>7}  {printable(file['path'])}"
        for file in files
    ]
    return ("\n".join(rows) + "\n\n").encode(errors="surrogateescape")
