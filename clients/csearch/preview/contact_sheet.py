"""csearch --grid: a contact sheet of the results."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

from csearch.preview.output_file import check_replaceable, write_atomically
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import harmless, printable
from csearch.protocol.wire import Message, pack

_MAX_PICTURES = 1000  # viewers don't show larger sheets well


class ContactSheet(NamedTuple):
    """A contact sheet that will be written to `path`."""

    path: str
    pictures: list[Message]

    def add(self, hits: list[Message]) -> None:
        for hit in hits[: _MAX_PICTURES - len(self.pictures)]:
            name = os.path.basename(hit["path"]).decode(errors="replace")
            score = "" if hit["score"] is None else f"{hit['score']:.3f}"
            self.pictures.append({"path": hit["path"], "name": name, "score": score})

    def write(self) -> None:
        """Makes and writes the sheet, as a whole or not at all. Raises ClientError."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "csearchd.previews.contact_sheet"],
            input=pack({"pictures": self.pictures}),
            capture_output=True,
        )
        if done.returncode != 0 or not done.stdout:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            reason = harmless(said[-1]) if said else "no reason given"
            raise ClientError(f"{printable(self.path)}: the sheet could not be made: {reason}")
        write_atomically(self.path, done.stdout)


def new_sheet(path: str) -> ContactSheet:
    """A sheet for `path`. Raises ClientError if another kind of file is there."""
    check_replaceable(path, "contact sheet")
    return ContactSheet(path, [])
