"""The EXIF data of an open picture, and the orientation in which it is shown."""

from __future__ import annotations

import re
import zlib

from PIL import Image

from csearchd.encode.identity_png import chunks

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
_MAX_TEXT = 16 << 20  # bytes of a compressed text chunk that are looked at
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
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            key, _, rest = bytes(content).partition(b"\0")
            if key == b"Raw profile type exif" and payload is None:
                lines = _text(kind, rest).split(b"\n")
                payload = bytes.fromhex(b"".join(lines[3:]).decode("ascii"))
            elif key == b"XML:com.adobe.xmp":
                xmp = _text(kind, rest)
    if payload:
        exif.load(payload if payload.startswith(b"Exif\0\0") else b"Exif\0\0" + payload)
    if ORIENTATION not in exif and (found := _XMP_ORIENTATION.search(xmp)):
        exif[ORIENTATION] = int(found[1])
    return exif


def _text(kind: bytes, rest: bytes) -> bytes:
    """The text of a text chunk, behind its key (PNG 1.2, section 4.2.3)."""
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _inflate(rest[1:])
    compressed = rest[:1] == b"\1"
    text = rest[2:].split(b"\0", 2)[-1]
    return _inflate(text) if compressed else text


def _inflate(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, _MAX_TEXT)
