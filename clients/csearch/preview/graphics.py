"""Encodes pictures for terminals. Each function returns bytes that draw at the cursor."""

from __future__ import annotations

import re
from base64 import standard_b64encode

from csearch.protocol.wire import Message

_CHUNK = 4096  # of base64 in one escape of kitty's protocol
_BAND = 6  # rows of pixels in a sixel
_PRINTABLE = bytes(63 + value if value < 64 else 63 for value in range(256))
_RUN = re.compile(rb"(.)\1{3,}", re.DOTALL)


def kitty(picture: Message, columns: int, rows: int, place: bytes = b"C=1") -> list[bytes]:
    """kitty's protocol (https://sw.kovidgoyal.net/kitty/graphics-protocol/), an escape per chunk.

    `place` says where to show it; by default at the cursor, which doesn't move. The terminal sends
    no answer.
    """
    data = standard_b64encode(picture["data"])
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    escapes = []
    for number, chunk in enumerate(chunks):
        begin = b"a=T,f=100,q=2,%s,c=%d,r=%d," % (place, columns, rows)
        control = begin if number == 0 else b"q=2,"
        more = int(number + 1 < len(chunks))
        escapes.append(b"\x1b_G%sm=%d;%s\x1b\\" % (control, more, chunk))
    return escapes


def iterm2(picture: Message, columns: int, rows: int) -> list[bytes]:
    """iTerm2's protocol (https://iterm2.com/documentation-images.html)."""
    size, data = len(picture["data"]), standard_b64encode(picture["data"])
    form = b"\x1b]1337;File=inline=1;size=%d;width=%d;height=%d;preserveAspectRatio=1:%s\x07"
    return [form % (size, columns, rows, data)]


def sixel(picture: Message, columns: int, rows: int) -> list[bytes]:
    """Sixels (https://vt100.net/docs/vt3xx-gp/chapter14.html), at the size of the pixels."""
    width, height, data = picture["width"], picture["height"], picture["data"]
    palette = picture["palette"]
    parts = [b'\x1bP0;1;0q"1;1;%d;%d' % (width, height)]
    for number in range(len(palette) // 3):
        red, green, blue = (round(level * 100 / 255) for level in palette[3 * number :][:3])
        parts.append(b"#%d;2;%d;%d;%d" % (number, red, green, blue))
    # By colour: a table that makes pixels of this colour 1, and others 0.
    masks = {colour: bytes(value == colour for value in range(256)) for colour in set(data)}
    lines = [data[start : start + width] for start in range(0, len(data), width)]
    for top in range(0, height, _BAND):
        band = lines[top : top + _BAND]
        drawn = [
            b"#%d%s" % (colour, _run_lengths(_sixels(band, masks[colour])))
            for colour in sorted(set().union(*band))
        ]
        parts.append(b"$".join(drawn) + b"-")
    parts.append(b"\x1b\\")
    return [b"".join(parts)]


def _sixels(band: list[bytes], mask: bytes) -> bytes:
    """The characters for the pixels of a band that a mask makes 1: a bit for each of its lines."""
    bits = 0
    for row, line in enumerate(band):
        # A large integer combines the lines, with a byte for each column.
        bits |= int.from_bytes(line.translate(mask), "big") << row
    return bits.to_bytes(len(band[0]), "big").translate(_PRINTABLE)


def _run_lengths(sixels: bytes) -> bytes:
    """Writes runs that are shorter so as `!count` and the character."""
    return _RUN.sub(lambda run: b"!%d%s" % (len(run[0]), run[1]), sixels)


def blocks(picture: Message) -> list[bytes]:
    """Lines of text in which each character (upper half block) shows two pixels.

    The picture has 3 bytes a pixel, or 1: a colour of xterm's palette.
    """
    width, height, data = picture["width"], picture["height"], picture["data"]
    size = len(data) // (width * height)  # bytes of a pixel
    lines = []
    for top in range(0, height, 2):
        cells = []
        for column in range(width):
            place = size * (top * width + column)
            upper = _colour(38, data[place : place + size])
            if top + 1 < height:
                below = place + size * width
                lower = _colour(48, data[below : below + size])
                cells.append(b"\x1b[%s;%sm\xe2\x96\x80" % (upper, lower))
            else:
                cells.append(b"\x1b[0;%sm\xe2\x96\x80" % upper)
        lines.append(b"".join(cells) + b"\x1b[0m\n")
    return lines


def _colour(kind: int, pixel: bytes) -> bytes:
    if len(pixel) == 3:
        return b"%d;2;%d;%d;%d" % (kind, *pixel)
    return b"%d;5;%d" % (kind, *pixel)
