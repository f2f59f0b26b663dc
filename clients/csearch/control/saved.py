"""csearchctl saved: gives queries names, to ask them again with csearch --saved."""

from __future__ import annotations

import argparse
import os
import re

from csearch.arguments import add_action
from csearch.command import print_err, print_out, write
from csearch.connection import Connection
from csearch.installation import bookmarks
from csearch.paths import absolute
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import harmless, printable
from csearch.protocol.wire import Message
from csearch.search.joining import joined, value_note
from csearch.search.parser import at_least_one
from csearch.search.pictures import Picture, in_query
from csearch.show import json

EXAMPLES = """
csearchctl saved add beach a dog on the beach          then: csearch --saved beach
csearchctl saved add "last summer" 'date:"last summer"' --in ~/Pictures --sort date
csearchctl saved add latest "" --sort date --top 100   all pictures, the latest first
csearchctl saved list
csearchctl saved show beach
csearchctl saved bookmark beach                        show its folder in file managers
csearchctl saved rename beach "Rex on the beach"
csearchctl saved remove "Rex on the beach"             the pictures are not changed
"""
_FROM_THE_WEB = re.compile(r"(?:^|\s)(?:[\d.]+:)?https?://", re.IGNORECASE)


def add_arguments(options: argparse.ArgumentParser) -> None:
    actions = options.add_subparsers(dest="action", metavar="ACTION")
    add = add_action(actions, EXAMPLES, "add", "give a query a name")
    add.description = (
        f"{add.description} It is about all that is known, wherever csearch --saved asks it, "
        "unless --in says where to look. The folder that is printed is kept filled with links to "
        "what it finds: the best 500, or N, that match at least fairly or are found by name, or "
        "have the LEVEL; with filters alone, all."
    )
    add.add_argument("name", metavar="NAME", help="anything that a file may be called")
    add.add_argument("query", nargs="+", metavar="QUERY", help="as of csearch")
    add.add_argument(
        "--in",
        dest="directories",
        metavar="DIR",
        action="append",
        default=[],
        help="search DIR and all below it (can be repeated)",
    )
    add.add_argument("-t", "--top", type=at_least_one, metavar="N", help="at most N results")
    add.add_argument(
        "--min-confidence",
        metavar="LEVEL",
        choices=("weak", "fair", "strong"),
        help="leave out what is less sure: weak, fair or strong",
    )
    add.add_argument(
        "--sort",
        metavar="ORDER",
        choices=("score", "date", "name", "size"),
        help="order of the best N: by score, date, name or size",
    )
    add.add_argument("--reverse", action="store_true", help="reverse the order")
    add.add_argument("--replace", action="store_true", help="replace one with the same name")
    listing = add_action(actions, EXAMPLES, "list", "list them, as without an ACTION")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    show = add_action(actions, EXAMPLES, "show", "show what one asks")
    show.add_argument("name", metavar="NAME")
    mark = add_action(actions, EXAMPLES, "bookmark", "show its folder in file managers")
    mark.description = (
        f"{mark.description} It is added to the bookmarks of GTK and the places of KDE, where "
        "these are there, follows csearchctl saved rename, unless you have removed it, and goes "
        "with csearchctl saved remove. The search window does the same."
    )
    mark.add_argument("name", metavar="NAME")
    rename = add_action(actions, EXAMPLES, "rename", "give one another name")
    rename.add_argument("name", metavar="NAME")
    rename.add_argument("new", metavar="NEW")
    remove = add_action(actions, EXAMPLES, "remove", "forget one")
    remove.add_argument("name", metavar="NAME")


def run(options: argparse.Namespace) -> int:
    actions = {
        "add": _add, "show": _show, "bookmark": _bookmark, "rename": _rename, "remove": _remove,
    }  # fmt: skip
    return actions.get(options.action, _list)(options)


def _add(options: argparse.Namespace) -> int:
    if note := value_note(options.query):
        print_err(f"csearchctl: {note}")
    typed = joined(options.query)
    if typed.strip() == "-" or _FROM_THE_WEB.search(typed):
        raise ClientError(
            "a saved search can't have a picture from standard input or the web; save the picture, "
            "and name the file"
        )
    if not typed.strip() and options.sort in (None, "score"):
        raise ClientError('an empty query needs an order: --sort date stands for "the latest"')
    found = in_query(typed)
    for picture in found:
        os.close(picture.file)
    query, pictures = _with_absolute(typed, found)
    given: Message = {
        "scopes": [absolute(path) for path in options.directories],
        "pictures": pictures,
        "top": options.top,
        "sort": options.sort,
        "reverse": options.reverse or None,
        "min_confidence": options.min_confidence,
        "replace": options.replace,
    }
    done = Connection(start=True).call(
        "saved-add",
        name=os.fsencode(options.name),
        query="".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in query),
        **{name: value for name, value in given.items() if value not in (None, False, [])},
    )
    print_out(printable(done["folder"]))
    return 0


def _with_absolute(query: str, pictures: list[Picture]) -> tuple[str, list[Message]]:
    """A query in which pictures have absolute paths, and the pictures as of the protocol."""
    parts: list[str] = []
    placed: list[Message] = []
    end = length = 0
    for picture in pictures:
        assert picture.start is not None and picture.end is not None
        above, name = os.path.split(picture.path)
        path = os.path.join(os.path.realpath(above), name)
        before = query[end : picture.start]
        start = length + len(before)
        parts += [before, os.fsdecode(path)]
        length = start + len(parts[-1])
        end = picture.end
        placed.append({"path": path, "start": start, "end": length})
    return "".join([*parts, query[end:]]), placed


def _list(options: argparse.Namespace) -> int:
    found = Connection(start=True).call("saved")["searches"]
    if getattr(options, "json", False):
        for search in found:
            write(json.line(json.plain(_described(search))))
        return 0
    for search in found:
        print_out(f"{printable(search['name'])}\t{harmless(search['query'])}")
        _warn(search)
    if not found:
        print_err("No searches are saved yet; csearchctl saved add -h explains how.")
    return 0


def _show(options: argparse.Namespace) -> int:
    name = os.fsencode(options.name)
    (search,) = Connection(start=True).call("saved", name=name)["searches"]
    scopes = ", ".join(map(printable, search.get("scopes") or ())) or "all that is known"
    lines = {
        "query": harmless(search["query"]),
        "in": scopes,
        "top": search.get("top"),
        "sort": search.get("sort"),
        "reverse": "yes" if search.get("reverse") else None,
        "min-confidence": search.get("min_confidence"),
        "folder": printable(search["folder"]),
        "links": search.get("links"),
    }
    for label, value in lines.items():
        if value is not None:
            print_out(f"{label}: {value}")
    _warn(search)
    return 0


def _bookmark(options: argparse.Namespace) -> int:
    name = os.fsencode(options.name)
    (search,) = Connection(start=True).call("saved", name=name)["searches"]
    paths = bookmarks.add(search["folder"])
    if not paths:
        raise ClientError("no file manager of GTK or KDE has kept bookmarks or settings here yet")
    for path in paths:
        print_out(printable(path))
    return 0


def _rename(options: argparse.Namespace) -> int:
    name, new = os.fsencode(options.name), os.fsencode(options.new)
    connection = Connection(start=True)
    (search,) = connection.call("saved", name=name)["searches"]
    done = connection.call("saved-rename", name=name, new=new)
    print_out(printable(done["folder"]))
    if name != new:
        bookmarks.move(search["folder"], done["folder"])
    return 0


def _remove(options: argparse.Namespace) -> int:
    done = Connection(start=True).call("saved-remove", name=os.fsencode(options.name))
    if done["kept"]:
        print_err(f"csearchctl: {printable(done['folder'])} stays: something else is in it")
    bookmarks.remove(done["folder"].__eq__)
    return 0


def _warn(search: Message) -> None:
    """Says on stderr what is wrong with a saved search."""
    if reason := search.get("reason"):
        print_err(f"csearchctl: {printable(search['name'])}: {harmless(reason['text'])}")


def _described(search: Message) -> Message:
    """A saved search for programs."""
    reason = search.get("reason")
    return {**search, **({"reason": reason["text"]} if reason else {})}
