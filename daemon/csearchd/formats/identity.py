"""The identity of a picture: a hash of what determines its pixels as they are encoded.

Scheme 1: the first 16 bytes of SHA-256 over the scheme, the format, the effective orientation
(1 to 8) and the parts of the file that the format's module names: coded data, tables, colour
profile and colour transform, but no descriptive metadata. So editing keywords, title, rating,
place or comment keeps it. That is for JPEG, PNG, WebP, TIFF, HEIC and AVIF; for other formats, and
for files that don't parse, it is the whole file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from csearchd.formats.heif import heif_parts
from csearchd.formats.jpeg import jpeg_parts
from csearchd.formats.parts import MalformedError, Parts
from csearchd.formats.png import png_parts
from csearchd.formats.tiff import tiff_parts
from csearchd.formats.webp import webp_parts

SCHEME = 1
SIZE = 16

_PARTS: dict[str, Callable[[bytes], Parts]] = {
    "JPEG": jpeg_parts,
    "MPO": jpeg_parts,  # its first picture is shown, and that is what any JPEG has
    "PNG": png_parts,
    "WEBP": webp_parts,
    "TIFF": tiff_parts,
    "HEIF": heif_parts,
    "AVIF": heif_parts,
}


def identity(data: bytes, format: str | None, orientation: int) -> bytes:
    """The identity of a file's content, SIZE bytes. Never raises.

    `format` is Pillow's name of what the file holds, None where it holds no picture;
    `orientation` is the effective one, 1 to 8.
    """
    parts = _PARTS.get(format or "")
    if parts is not None:
        kind = parts.__name__.encode()
        digest = hashlib.sha256(b"csearch %d %s %d\0" % (SCHEME, kind, orientation))
        try:
            for part in parts(data):
                digest.update(part)
            return digest.digest()[:SIZE]
        except MalformedError:
            pass
    digest = hashlib.sha256(b"csearch %d file %d\0" % (SCHEME, orientation))
    digest.update(data)
    return digest.digest()[:SIZE]
