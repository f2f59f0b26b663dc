"""The identity of a picture: a hash of what determines the pixels that are encoded.

Scheme 1 is the first 16 bytes of SHA-256 over the scheme, the format, the effective orientation
(1 to 8) and the parts of the file that the format's module yields: coded data, tables, colour
profile and colour transform, but no descriptive metadata. So editing keywords, title, rating, place
or comment keeps it. This is for JPEG, PNG, WebP, TIFF, HEIC and AVIF; in other formats, and in
files that don't parse, the whole file is hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from csearchd.errors import MalformedError
from csearchd.formats import heif, jpeg, png, tiff, webp
from csearchd.formats.parsing import Parts

SCHEME = 1
SIZE = 16

# Pillow's name → what the scheme calls it, and its parts. The scheme's names are hashed.
_FORMATS: dict[str, tuple[bytes, Callable[[bytes], Parts]]] = {
    "JPEG": (b"jpeg_parts", jpeg.pixel_parts),
    "MPO": (b"jpeg_parts", jpeg.pixel_parts),  # shown by its first picture, a JPEG
    "PNG": (b"png_parts", png.pixel_parts),
    "WEBP": (b"webp_parts", webp.pixel_parts),
    "TIFF": (b"tiff_parts", tiff.pixel_parts),
    "HEIF": (b"heif_parts", heif.pixel_parts),
    "AVIF": (b"heif_parts", heif.pixel_parts),
}


def identity(data: bytes, format: str | None, orientation: int) -> bytes:
    """The identity of a file's content, SIZE bytes. Never raises.

    `format` is Pillow's name of what the file holds, None where it holds no picture;
    `orientation` is the effective one, 1 to 8.
    """
    if format in _FORMATS:
        name, parts = _FORMATS[format]
        digest = hashlib.sha256(b"csearch %d %s %d\0" % (SCHEME, name, orientation))
        try:
            for part in parts(data):
                digest.update(part)
            return digest.digest()[:SIZE]
        except MalformedError:
            pass
    digest = hashlib.sha256(b"csearch %d file %d\0" % (SCHEME, orientation))
    digest.update(data)
    return digest.digest()[:SIZE]
