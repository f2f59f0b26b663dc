"""--text: prints the words that a picture shows."""

from __future__ import annotations

import os
import sys

from csearch.command import write
from csearch.connection import Connection
from csearch.protocol.errors import NOTHING_FOUND
from csearch.protocol.quoting import harmless
from csearch.search import pictures
from csearch.show.progress import ProgressLine
from csearch.show.terminal import Terminal


def print_text(name: str, as_json: bool) -> int:
    """Prints the lines in the picture at a path or URL; returns the exit status. Raises
    ClientError."""
    picture = pictures.like(name)
    progress = ProgressLine(Terminal(2))
    lines = []
    try:
        for reply in Connection(start=True).request("text", [picture.file], path=picture.path):
            if reply["type"] == "progress":
                progress.update(reply)
            else:
                lines = reply["lines"]
    finally:
        progress.clear()
        os.close(picture.file)
    if as_json:
        from csearch.show.json import line, path_fields

        write(line({**path_fields(picture.path), "lines": lines}))
    else:
        shown = harmless if sys.stdout.isatty() else str
        write("".join(f"{shown(one['text'])}\n" for one in lines).encode(errors="replace"))
    return 0 if lines else NOTHING_FOUND
