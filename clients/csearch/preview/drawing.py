"""Shows results on a terminal with a picture below each."""

from __future__ import annotations

import itertools
import math
import re
import secrets
from collections.abc import Callable

from csearch.command import print_err, write
from csearch.preview import graphics, placeholders
from csearch.preview.capabilities import (
    BLOCKS,
    ITERM2,
    KITTY,
    SIXEL,
    GraphicsSupport,
    conversation,
    detect,
)
from csearch.preview.thumbnails import ThumbnailProcess
from csearch.protocol.quoting import harmless
from csearch.protocol.wire import Message
from csearch.show.terminal import Terminal

_ROWS = 20  # height of a picture in lines of text
_ROWS_KEPT = 3  # lines of the terminal that a picture leaves free, for its name and what is below
# Of a side of what is sent. Sixels aren't scaled: larger ones are shown smaller. tmux drops an
# escape of more than a megabyte; only kitty's protocol cuts pictures into several.
_PIXELS_MAX = {KITTY: 1600, ITERM2: 1600, SIXEL: 1000}
_FORMS = {KITTY: "png", ITERM2: "jpeg", SIXEL: "palette"}
_ENCODERS = {KITTY: graphics.kitty, ITERM2: graphics.iterm2, SIXEL: graphics.sixel}
_CURSOR = re.compile(rb"\x1b\[(\d+);(\d+)R")
_ABORT = b"\x1b\\\x1b8"  # ends an unfinished escape and restores the cursor


class Drawing:
    """Prints results, each followed by its picture."""

    def __init__(self, terminal: Terminal, support: GraphicsSupport, rows: int | None) -> None:
        """`rows`: the height of a picture in lines of text, if it isn't the default."""
        self._support = support
        self._columns = max(1, terminal.width - 2)
        self._rows = max(1, min(rows or _ROWS, terminal.height - _ROWS_KEPT))
        if support.placeholders:
            self._columns = min(self._columns, placeholders.MAX_CELLS)
            self._rows = min(self._rows, placeholders.MAX_CELLS)
        self._cell = _sent_cell(support, self._columns, self._rows)
        self._form = _FORMS.get(support.protocol) or ("rgb" if support.true_colour else "xterm")
        self._thumbnails = ThumbnailProcess()
        self._numbers = itertools.count(secrets.randbelow(placeholders.NUMBERS))
        if support.hint:
            print_err(f"csearch: {support.hint}")

    def show(self, lines: Callable[[list[Message]], bytes], hits: list[Message]) -> None:
        """Prints hits, formatted by `lines`, with their pictures."""
        for hit in hits:
            write(lines([hit]))
            self._draw(hit["path"])

    def close(self) -> None:
        self._thumbnails.close()

    def _draw(self, path: bytes) -> None:
        support, (width, height) = self._support, self._cell
        sides = (round(self._columns * width), round(self._rows * height))
        picture = self._thumbnails.get(path, *sides, self._form)
        if "reason" in picture:
            write(f"  ({harmless(picture['reason'])})\n".encode())
        elif support.protocol == BLOCKS:
            write(b"".join(graphics.blocks(picture)))
        else:
            if support.protocol == SIXEL:  # which the terminal doesn't scale
                width, height = support.cell
            columns, rows = picture["width"] / width, picture["height"] / height
            self._draw_in_cells(picture, math.ceil(columns), math.ceil(rows))

    def _draw_in_cells(self, picture: Message, columns: int, rows: int) -> None:
        """Draws a picture of the given size in cells.

        Terminals leave the cursor at different places, so it is saved and restored. A line is
        reserved below the picture, since some move to the next line, which could scroll.
        """
        if self._support.placeholders:
            escapes, text = placeholders.picture(picture, columns, rows, next(self._numbers))
            try:
                write(b"".join(map(_wrapped, escapes)) + text)
            except KeyboardInterrupt:
                write(b"\x1b\\\x1b[39m\n")
                raise
            return
        escapes = _ENCODERS[self._support.protocol](picture, columns, rows)
        below = b"\x1b[%dB\r" % rows
        write(b"\n" * (rows + 1) + b"\x1b[%dA" % (rows + 1))
        try:
            if self._support.pane:
                self._pass_through_tmux(escapes)
            else:
                write(b"\x1b7" + b"".join(escapes) + b"\x1b8")
        except KeyboardInterrupt:
            write(_ABORT + below)
            raise
        write(below)

    def _pass_through_tmux(self, escapes: list[bytes]) -> None:
        """Draws at the cursor's position on the terminal around tmux."""
        assert self._support.pane
        found = _CURSOR.search(conversation(b"\x1b[6n", _CURSOR))
        if not found:
            return
        row, column = (int(found[n]) + self._support.pane[n - 1] - 1 for n in (1, 2))
        for escape in escapes:  # tmux may move the cursor between them
            placed = b"\x1b7\x1b[%d;%dH%s\x1b8" % (row, column, escape)
            write(_wrapped(placed))


def _sent_cell(support: GraphicsSupport, columns: int, rows: int) -> tuple[float, float]:
    """Width and height of a cell in pixels of what is sent, where a picture takes so many cells."""
    if support.protocol == BLOCKS:
        return 1.0, 2.0
    width, height = support.cell
    scale = min(1.0, _PIXELS_MAX[support.protocol] / max(columns * width, rows * height))
    return width * scale, height * scale


def _wrapped(escape: bytes) -> bytes:
    """Wraps an escape so that tmux passes it on to the terminal around it."""
    return b"\x1bPtmux;" + escape.replace(b"\x1b", b"\x1b\x1b") + b"\x1b\\"


def drawing(terminal: Terminal, rows: int | None) -> Drawing | None:
    """A Drawing on this terminal; None if the output isn't a terminal that shows pictures.

    `rows`: as of Drawing.
    """
    found = detect(terminal)
    if found and found.protocol == BLOCKS and not terminal.colours:
        print_err("csearch: this terminal needs colours to show pictures, and NO_COLOR is set")
        return None
    return Drawing(terminal, found, rows) if found else None
