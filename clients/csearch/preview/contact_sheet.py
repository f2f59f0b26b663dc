"""csearch --grid: a contact sheet of the results."""

from __future__ import annotations

import os
from typing import NamedTuple

from csearch.preview.output_file import SHEET, OutputFile, output_file
from csearch.protocol.wire import Message
from csearch.show.order import order_value

_MAX_PICTURES = 1000  # viewers don't show larger sheets well


class ContactSheet(NamedTuple):
    """A contact sheet that will be written to `file`."""

    file: OutputFile
    sort: str | None  # of the request
    pictures: list[Message]

    def add(self, hits: list[Message]) -> None:
        for hit in hits[: _MAX_PICTURES - len(self.pictures)]:
            name = os.path.basename(hit["path"]).decode(errors="replace")
            score = "" if hit["score"] is None else f"{hit['score']:.3f}"
            below = "  ".join(part for part in (score, order_value(hit, self.sort).strip()) if part)
            self.pictures.append({"path": hit["path"], "name": name, "below": below})

    def write(self) -> None:
        """Makes and writes the sheet, as a whole or not at all. Raises ClientError."""
        self.file.make("csearchd.previews.contact_sheet", {"pictures": self.pictures})


def new_sheet(path: str, sort: str | None) -> ContactSheet:
    """A sheet for `path`. Raises ClientError if it can't be written there."""
    return ContactSheet(output_file(path, SHEET), sort, [])
