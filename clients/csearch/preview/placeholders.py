"""Pictures of kitty's protocol that are text to what lies between, such as tmux.

https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders The terminal gets a picture
with a number and no place. Where characters in a colour that is this number appear, it shows the
part of the picture that their marks name. So the picture moves, and goes, with the text.
"""

from __future__ import annotations

from csearch.preview import graphics
from csearch.protocol.wire import Message

_CELL = "\U0010eeee"
# The marks for 0, 1, 2, …, of which the protocol has more; no picture has more columns.
_MARKS = "".join(
    map(
        chr,
        (0x305, 0x30D, 0x30E, 0x310, 0x312, 0x33D, 0x33E, 0x33F, 0x346, 0x34A, 0x34B, 0x34C, 0x350,
         0x351, 0x352, 0x357, 0x35B, *range(0x363, 0x370), *range(0x483, 0x488),
         0x592, 0x593, 0x594, 0x595, 0x597),
    )
)  # fmt: skip
MOST = len(_MARKS)  # columns, and rows
_COLOURS = range(16, 256)  # those below have names, too
NUMBERS = MOST * len(_COLOURS)  # that pictures can have


def picture(data: Message, columns: int, rows: int, number: int) -> tuple[list[bytes], bytes]:
    """Escapes for the terminal itself, which show nothing yet, and lines of text that do.

    A later picture with the same `number`, modulo NUMBERS, takes this one's place. To the terminal
    it has a colour of the palette as its lowest byte (a multiplexer may know no others), and a mark
    as its highest.
    """
    mark, colour = number // len(_COLOURS) % MOST, _COLOURS[number % len(_COLOURS)]
    place = b"U=1,i=%d" % (mark << 24 | colour)
    lines = []
    for row in range(rows):
        cells = (f"{_CELL}{_MARKS[row]}{_MARKS[column]}{_MARKS[mark]}" for column in range(columns))
        lines.append(f"\x1b[38;5;{colour}m{''.join(cells)}\x1b[39m\n")
    return graphics.kitty(data, columns, rows, place), "".join(lines).encode()
