"""The EXIF data of an opened picture, read through Pillow, and its orientation (EXIF 2.32)."""

from __future__ import annotations

import io
import re

from PIL import Image

from csearchd.formats import png, raw
from csearchd.formats.tiff import is_honest

ORIENTATION = 0x0112
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_HEAD = b"Exif\0\0"
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')


def read_exif(image: Image.Image, data: bytes) -> Image.Exif:
    """The EXIF data of the picture `image`, opened from the file `data`; empty without any.

    Nothing is decoded. Data that don't parse are left out. Never raises, except MemoryError.
    """
    try:
        # Pillow would decode a PNG first, since EXIF data may come after the pixels.
        if image.format == "PNG":
            return _png_exif(data)
        payload = image.info.get("exif")
        if isinstance(payload, bytes) and not is_honest(_bare(payload)):
            return Image.Exif()
        return image.getexif()
    except MemoryError:
        raise
    except Exception:  # a parser in the hands of a hostile file raises anything
        return Image.Exif()


def read_raw_exif(data: bytes) -> Image.Exif:
    """The EXIF data of a camera raw file that is a TIFF at heart: of all but CR3 and RAF.

    Empty where there are none, or none that parse. Never raises, except MemoryError.
    """
    try:
        payload = raw.exif_payload(data)
        exif = Image.Exif()
        if payload is not None and is_honest(payload):
            exif.load_from_fp(io.BytesIO(payload))
        return exif
    except MemoryError:
        raise
    except Exception:  # a parser in the hands of a hostile file raises anything
        return Image.Exif()


def exif_orientation(exif: Image.Exif) -> int:
    """The orientation, 1 to 8 (EXIF 2.32, tag 0x0112); 1 where there is none or no valid one."""
    value = exif.get(ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def is_on_its_side(orientation: int) -> bool:
    """Whether width and height of the coded pixels are height and width as shown."""
    return orientation >= 5


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as it is shown, from its coded pixels."""
    transposition = _TRANSPOSITIONS.get(orientation)
    return image if transposition is None else image.transpose(transposition)


def _png_exif(data: bytes) -> Image.Exif:
    payload, packet = png.exif_payload(data)
    exif = _loaded(payload) if payload else Image.Exif()
    if ORIENTATION not in exif and (found := _XMP_ORIENTATION.search(packet)):
        exif[ORIENTATION] = int(found[1])
    return exif


def _bare(payload: bytes) -> bytes:
    """EXIF data without the identifier that precedes them in a JPEG."""
    return payload.removeprefix(_HEAD)


def _loaded(payload: bytes) -> Image.Exif:
    exif = Image.Exif()
    if is_honest(_bare(payload)):
        exif.load(_HEAD + _bare(payload))
    return exif
