"""The EXIF data of an opened picture, and its orientation (EXIF 2.32)."""

from __future__ import annotations

import re

from PIL import Image

from csearchd.formats import png, raw
from csearchd.metadata.exif_directories import Exif

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


def read_exif(image: Image.Image, data: bytes) -> Exif:
    """The EXIF data of the picture `image`, opened from the file `data`; empty without any.

    Nothing is decoded. What doesn't parse is left out. Never raises, except MemoryError.
    """
    try:
        # Pillow would decode a PNG first, since EXIF data may come after the pixels.
        payload, packet = png.exif_payload(data) if image.format == "PNG" else _blocks(image, data)
        exif = Exif(_bare(payload or b""))
        if found := _XMP_ORIENTATION.search(packet):
            exif.tags.supply(ORIENTATION, int(found[1]))
        return exif
    except MemoryError:
        raise
    except Exception:  # a parser in the hands of a hostile file raises anything
        return Exif()


def read_raw_exif(data: bytes) -> Exif:
    """The EXIF data of a camera raw file that is a TIFF at heart: of all but CR3 and RAF.

    Empty where there are none. Never raises, except MemoryError.
    """
    return Exif(raw.exif_payload(data) or b"")


def exif_orientation(exif: Exif | Image.Exif) -> int:
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


def _blocks(image: Image.Image, data: bytes) -> tuple[bytes | None, bytes]:
    """EXIF data, None where there are none, and XMP that may tell the orientation, or b""."""
    packet = image.info.get("xmp")
    payload = image.info.get("exif")
    if payload is None and image.format == "TIFF":
        payload = data
    return payload, packet if isinstance(packet, bytes) else b""


def _bare(payload: bytes) -> bytes:
    """EXIF data without the identifier that precedes them in a JPEG; some write it twice."""
    return payload.removeprefix(_HEAD).removeprefix(_HEAD)
