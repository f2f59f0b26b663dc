"""XMP and IPTC embedded in a file: reading them in every format, and editing XMP in some.

The formats' modules know where the blocks are; this one chooses the module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PIL import Image

from csearchd.formats import gif, isobmff, jpeg, png, tiff, webp
from csearchd.formats.parsing import MetadataBlocks
from csearchd.formats.signatures import signature_format

_READERS: dict[str, Callable[[bytes], MetadataBlocks]] = {  # by Pillow's name
    "JPEG": jpeg.metadata_blocks,
    "MPO": jpeg.metadata_blocks,
    "PNG": png.metadata_blocks,
    "WEBP": webp.metadata_blocks,
    "TIFF": tiff.metadata_blocks,
    "GIF": gif.metadata_blocks,
    "JPEG2000": isobmff.metadata_blocks,
}


def read_blocks(image: Image.Image, data: bytes) -> MetadataBlocks:
    """The blocks of the picture `image`, opened from the file `data`; nothing is decoded.

    HEIF and AVIF keep XMP as an item, which Pillow's plugins have already found. Blocks that
    don't parse are left out. Never raises, except MemoryError.
    """
    try:
        reader = _READERS.get(image.format or "")
        if reader is not None:
            return reader(data)
        packet = image.info.get("xmp")
        return MetadataBlocks([packet] if isinstance(packet, bytes) else [])
    except MemoryError:
        raise
    except Exception:  # a parser in the hands of a hostile file raises anything
        return MetadataBlocks()


class XmpEditor(NamedTuple):
    """How XMP is taken out of the files of a format, and put in with every other byte as it was.

    Debian's exiftool can't write WebP, and it restores no file to the byte.
    """

    format: str  # Pillow's name
    read_xmp: Callable[[bytes], bytes | None]  # the packet or None; raises UneditableError
    with_xmp: Callable[[bytes, bytes | None], bytes]  # the file with it; raises UneditableError


_EDITORS = {
    "JPEG": XmpEditor("JPEG", jpeg.read_xmp, jpeg.with_xmp),
    "PNG": XmpEditor("PNG", png.read_xmp, png.with_xmp),
    "WEBP": XmpEditor("WEBP", webp.read_xmp, webp.with_xmp),
}


def xmp_editor(data: bytes) -> XmpEditor | None:
    """The editor for a file with this content; None where its XMP isn't edited here."""
    return _EDITORS.get(signature_format(data) or "")
