"""Placeholders of kitty's protocol: pictures that programs such as tmux handle as text.

See https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders. The terminal gets a
picture with a number and without a position. It shows parts of the picture in place of certain
characters: their colour is the picture's number, and combining marks tell row and column. So the
picture scrolls and disappears together with the text.
"""

from __future__ import annotations

from csearch.preview import graphics
from csearch.protocol.wire import Message

_CELL = "\U0010eeee"
# The marks for 0, 1, 2, …; the protocol has more of them, for larger pictures.
_MARKS = "".join(
    map(
        chr,
        (0x305, 0x30D, 0x30E, 0x310, 0x312, 0x33D, 0x33E, 0x33F, 0x346, 0x34A, 0x34B, 0x34C, 0x350,
         0x351, 0x352, 0x357, 0x35B, *range(0x363, 0x370), *range(0x483, 0x488),
         0x592, 0x593, 0x594, 0x595, 0x597),
    )
)  # fmt: skip
MAX_CELLS = len(_MARKS)  # in a row and in a column
_COLOURS = range(16, 256)  # of the palette; those below 16 can be changed by themes
NUMBERS = MAX_CELLS * len(_COLOURS)  # of different pictures


def picture(data: Message, columns: int, rows: int, number: int) -> tuple[list[bytes], bytes]:
    """Escapes that send a picture to the terminal, and lines of text that show it.

    A later picture with the same `number`, modulo NUMBERS, replaces this one. The number that the
    terminal gets has a colour of the palette as its lowest byte, since a multiplexer may support
    no other colours, and the index of a mark as its highest.
    """
    mark, colour = number // len(_COLOURS) % MAX_CELLS, _COLOURS[number % len(_COLOURS)]
    place = b"U=1,i=%d" % (mark << 24 | colour)
    lines = []
    for row in range(rows):
        cells = (f"{_CELL}{_MARKS[row]}{_MARKS[column]}{_MARKS[mark]}" for column in range(columns))
        lines.append(f"\x1b[38;5;{colour}m{''.join(cells)}\x1b[39m\n")
    return graphics.kitty(data, columns, rows, place), "".join(lines).encode()
