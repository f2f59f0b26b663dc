"""Camera raw: where its metadata are. LibRaw reads the pixels; the identity is the whole file's.

CR3 is an ISO base media file; CR2, NEF, ARW, DNG, ORF and RW2 are TIFFs, though ORF and RW2 have
other magic numbers than TIFF's 42. RAF is neither, and only LibRaw reads it.
"""

from __future__ import annotations

from csearchd.formats import isobmff, tiff
from csearchd.formats.parsing import MetadataBlocks

_TIFF_HEADS = {b"II": b"II*\0", b"MM": b"MM\0*"}


def metadata_blocks(data: bytes) -> MetadataBlocks:
    """XMP and IPTC. Never raises."""
    if data[4:8] == b"ftyp":
        return isobmff.metadata_blocks(data)
    return tiff.metadata_blocks(data)


def exif_payload(data: bytes) -> bytes | None:
    """The file as a TIFF whose directories are its EXIF data; None where it isn't like one."""
    head = _TIFF_HEADS.get(data[:2])
    return None if head is None else head + data[4:]
