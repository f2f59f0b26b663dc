"""The EXIF data of an open picture, and the orientation in which it is shown."""

from __future__ import annotations

import re

from PIL import Image

from csearchd.encode.identity_png import chunks
from csearchd.encode.png_text import TEXTS, XMP_TEXT, keyword, raw_profile, text

ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')


def read_exif(image: Image.Image, data: bytes) -> Image.Exif:
    """What Pillow finds as EXIF data in the picture `image` of the file `data`; may be empty.

    Nothing is decoded. Rubbish is left out and never raises.
    """
    try:
        # Pillow decodes a PNG first, since its EXIF data may stand behind the pixels.
        return _png_exif(data) if image.format == "PNG" else image.getexif()
    except MemoryError:
        raise
    except Exception:  # a parser in the hands of a hostile file raises anything
        return Image.Exif()


def orientation(exif: Image.Exif) -> int:
    """1 to 8, as EXIF 2.32 has it (tag 0x0112); 1 where there is none or no valid one."""
    value = exif.get(ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as it is shown."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _png_exif(data: bytes) -> Image.Exif:
    exif = Image.Exif()
    payload: bytes | None = None
    xmp = b""
    for kind, content in chunks(data):
        if kind == b"eXIf":
            payload = bytes(content)
        elif kind in TEXTS:
            key = keyword(content)
            if key == b"Raw profile type exif" and payload is None:
                payload = raw_profile(text(kind, content))
            elif key == XMP_TEXT:
                xmp = text(kind, content)
    if payload:
        exif.load(payload if payload.startswith(b"Exif\0\0") else b"Exif\0\0" + payload)
    if ORIENTATION not in exif and (found := _XMP_ORIENTATION.search(xmp)):
        exif[ORIENTATION] = int(found[1])
    return exif
