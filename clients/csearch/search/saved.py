"""--saved: what a search that has a name is about, where the command doesn't say otherwise."""

from __future__ import annotations

import os
from typing import NamedTuple

from csearch.connection import Connection
from csearch.protocol.quoting import printable
from csearch.search.options import Options
from csearch.search.pictures import Picture, opened


class Saved(NamedTuple):
    """A saved search."""

    query: str
    pictures: list[Picture]
    scopes: list[bytes] | None  # None: everywhere


def find(options: Options) -> Saved:
    """The search that --saved names, whose own options are set where no others were given. Raises
    ClientError."""
    assert options.saved is not None
    name = os.fsencode(options.saved)
    (found,) = Connection(start=True).call("saved", name=name)["searches"]
    options.top = options.top or found.get("top")
    options.reverse = options.reverse or (not options.sort and bool(found.get("reverse")))
    options.sort = options.sort or found.get("sort")
    options.min_confidence = options.min_confidence or found.get("min_confidence")
    options.query = [printable(name)]  # what --folder is called
    pictures = [
        Picture(*opened(os.fsdecode(picture["path"])), picture["start"], picture["end"])
        for picture in found.get("pictures") or ()
    ]
    scopes = found.get("scopes")
    options.everywhere = options.everywhere or not (scopes or options.directories)
    return Saved(found["query"], pictures, scopes)
