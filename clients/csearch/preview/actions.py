"""What csearch does with results beside printing them: --preview, --grid and --open."""

from __future__ import annotations

from collections.abc import Callable

from csearch.command import write
from csearch.preview.contact_sheet import ContactSheet, new_sheet
from csearch.preview.drawing import Drawing, drawing
from csearch.protocol.wire import Message
from csearch.search.options import Options
from csearch.show.terminal import Terminal


class ResultActions:
    """The actions that the options ask for, carried out as hits arrive."""

    def __init__(self, options: Options, terminal: Terminal) -> None:
        """Raises ClientError if --grid's file can't be written."""
        self._drawing: Drawing | None = None
        if options.preview:
            self._drawing = drawing(terminal, options.preview_size)
        self._sheet: ContactSheet | None = (
            new_sheet(options.grid, options.sort) if options.grid is not None else None
        )
        self._opens = bool(options.open)
        self._best: bytes | None = None

    def write(self, lines: Callable[[list[Message]], bytes], hits: list[Message]) -> None:
        """Prints hits, formatted by `lines`, with pictures if they are asked for."""
        if self._drawing:
            self._drawing.show(lines, hits)
        else:
            write(lines(hits))
        if self._sheet:
            self._sheet.add(hits)
        if self._best is None and hits:
            self._best = hits[0]["path"]

    def finish(self) -> None:
        """Writes the sheet and opens the best picture. Raises ClientError."""
        if self._drawing:
            self._drawing.close()
        if self._best is None:
            return
        if self._sheet:
            self._sheet.write()
        if self._opens:
            from csearch.desktop_open import open_path

            open_path(self._best)
