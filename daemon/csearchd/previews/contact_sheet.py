"""A process that makes a contact sheet: `python -m csearchd.previews.contact_sheet`.

It reads one frame of csearch.protocol.wire from standard input, {pictures: [{path: bin, name: str,
below: str}], form, kind}, and writes a file to standard output; csearchd.previews.output says what
`form` and `kind` are.
"""

from __future__ import annotations

import sys
from bisect import bisect_right

from PIL import Image, ImageDraw, ImageFont

from csearch.protocol.wire import MAX_REPLY, Message, Unpacker
from csearchd.errors import PictureError, UnreadableError
from csearchd.previews import output
from csearchd.previews.thumbnails import ThumbnailMaker, background_maker

_TILE = 240  # pixels, the longer side of a picture
_GAP = 16
_TEXT = 40  # pixels below a picture
_COLUMNS = 5
_FONT_SIZE = 14
_TAIL = 8  # characters at the end of a long name that are always shown
_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf")  # with more alphabets than Pillow's own
_BACKGROUND, _FOREGROUND, _FAINT = (250, 250, 250), (30, 30, 30), (120, 120, 120)


def sheet(pictures: list[Message], maker: ThumbnailMaker) -> Image.Image:
    """The pictures in rows, best first, each above its name and what stands `below` it.

    `pictures` are those of the frame, at least one. One that can't be shown is replaced by the
    reason.
    """
    columns = min(_COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    width, height = _TILE + _GAP, _TILE + _TEXT + _GAP
    image = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), _BACKGROUND)
    draw = ImageDraw.Draw(image)
    font = _font()
    for number, picture in enumerate(pictures):
        left = _GAP + number % columns * width
        top = _GAP + number // columns * height
        try:
            small = maker.make(picture["path"], _TILE, _TILE)
            image.paste(small, (left + (_TILE - small.width) // 2, top + _TILE - small.height))
        except (PictureError, UnreadableError) as error:
            draw.text((left, top + _TILE // 2), _fitting(draw, str(error), font), _FAINT, font)
        below = top + _TILE + 2
        draw.text((left, below), _fitting(draw, picture["name"], font), _FOREGROUND, font)
        draw.text((left, below + 18), picture["below"], _FAINT, font)
    return image


def _fitting(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont) -> str:
    """The text, with its middle left out where it is wider than a tile."""
    text = "".join(character if character.isprintable() else "\ufffd" for character in text)
    if draw.textlength(text, font) <= _TILE:
        return text
    tail = text[-_TAIL:]
    without = [f"{text[:end]}…{tail}" for end in range(len(text) - _TAIL)]
    fitting = bisect_right(
        without, float(_TILE), key=lambda shorter: draw.textlength(shorter, font)
    )
    return without[fitting - 1] if fitting else tail


def _font() -> ImageFont.FreeTypeFont:
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, _FONT_SIZE)
        except OSError:
            pass
    font = ImageFont.load_default(_FONT_SIZE)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels have FreeType
    return font


def main() -> None:
    """Writes the sheet to standard output."""
    (message,) = Unpacker(MAX_REPLY).feed(sys.stdin.buffer.read())
    output.write(sheet(message["pictures"], background_maker()), message)


if __name__ == "__main__":
    main()
