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
# The marks for 0, 1, 2, …: those of two bytes in UTF-8, of which tmux keeps three in a cell. The
# protocol has more of them.
_MARKS = "".join(
    map(
        chr,
        (0x305, 0x30D, 0x30E, 0x310, 0x312, 0x33D, 0x33E, 0x33F, 0x346, 0x34A, 0x34B, 0x34C, 0x350,
         0x351, 0x352, 0x357, 0x35B, *range(0x363, 0x370), *range(0x483, 0x488),
         *range(0x592, 0x596), *range(0x597, 0x59A), *range(0x59C, 0x5A2), 0x5A8, 0x5A9, 0x5AB,
         0x5AC, 0x5AF, 0x5C4, *range(0x610, 0x618), *range(0x657, 0x65C), 0x65D, 0x65E,
         *range(0x6D6, 0x6DD), *range(0x6DF, 0x6E3), 0x6E4, 0x6E7, 0x6E8, 0x6EB, 0x6EC, 0x730,
         0x732, 0x733, 0x735, 0x736, 0x73A, 0x73D, 0x73F, 0x740, 0x741, 0x743, 0x745, 0x747, 0x749,
         0x74A, *range(0x7EB, 0x7F2), 0x7F3),
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
