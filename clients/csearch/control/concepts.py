"""csearchctl concepts: lists, renames and removes concepts."""

from __future__ import annotations

import argparse

from csearch.arguments import add_action
from csearch.command import print_err, print_out
from csearch.connection import Connection
from csearch.protocol.quoting import harmless
from csearch.show.numbers import count

EXAMPLES = """
csearchctl concepts list
csearchctl concepts rename "our dog Rex" "the dog Rex"
csearchctl concepts remove "our dog Rex"      the pictures are not changed
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    actions = options.add_subparsers(dest="action", metavar="ACTION")
    add_action(actions, EXAMPLES, "list", "list them, as without an ACTION")
    rename = add_action(actions, EXAMPLES, "rename", "give a word another name")
    rename.add_argument("name", metavar="NAME")
    rename.add_argument("new", metavar="NEW")
    remove = add_action(actions, EXAMPLES, "remove", "remove a word")
    remove.add_argument("name", metavar="NAME")


def run(options: argparse.Namespace) -> int:
    connection = Connection(start=True)
    if options.action == "rename":
        connection.call("concept-rename", name=options.name, new=options.new)
    elif options.action == "remove":
        connection.call("concept-remove", name=options.name)
    else:
        known = connection.call("concepts")["concepts"]
        for one in known:
            against = f", {count(one['against'], 'counter-example')}" if one["against"] else ""
            print_out(f"{harmless(one['name'])}\t{count(one['examples'], 'example')}{against}")
        if not known:
            print_err("No words have been taught yet; csearchctl teach -h explains how.")
    return 0
