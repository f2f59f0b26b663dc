"""XMP in JPEG, PNG and WebP: taken out and put in, with every other byte as it was.

Each module has `read(data)`, the XMP packet or None, and `write(data, packet)`, the file with that
packet, or without one. Both raise SkippedFile where the file is damaged or strange. Debian's
exiftool can't write WebP, and none writes a file back to the byte, so these formats are spliced
here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from csearchd.tags.containers import jpeg, png, webp


class Container(NamedTuple):
    format: str  # Pillow's name
    read: Callable[[bytes], bytes | None]
    write: Callable[[bytes, bytes | None], bytes]


_CONTAINERS = (
    (b"\xff\xd8\xff", Container("JPEG", jpeg.read, jpeg.write)),
    (b"\x89PNG\r\n\x1a\n", Container("PNG", png.read, png.write)),
    (b"RIFF", Container("WEBP", webp.read, webp.write)),
)


def container(data: bytes) -> Container | None:
    """How to read and write the XMP of a file with this content; None if it isn't done here."""
    for magic, found in _CONTAINERS:
        if data.startswith(magic):
            return found
    return None
