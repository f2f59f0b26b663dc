"""Boxes of the ISO base media file format (ISO/IEC 14496-12), of which several formats consist.

HEIF and AVIF (csearchd.formats.heif), JPEG 2000 (ISO/IEC 15444-1, annex I) and camera raw of
Canon's CR3 are made of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from csearchd.errors import MalformedError
from csearchd.formats.parsing import MAX_PARTS, MAX_XMP_BYTES, MetadataBlocks

_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # XMP specification part 3, 1.2.5


class Box(NamedTuple):
    """A box's type, and where its content begins and ends in the file."""

    kind: bytes
    start: int
    end: int


def boxes(data: bytes, start: int, end: int, truncated: bool = False) -> Iterator[Box]:
    """The boxes between two positions in the file.

    Raises MalformedError where one doesn't fit in there; with `truncated` the last one needn't.
    """
    for _ in range(MAX_PARTS):
        if start + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            size = int.from_bytes(data[start + 8 : start + 16], "big")
            head = 16
        elif size == 0:
            size = end - start
        if size < head or (start + size > end and not truncated):
            raise MalformedError
        yield Box(kind, start + head, start + size)
        start += size
    raise MalformedError


def metadata_blocks(data: bytes) -> MetadataBlocks:
    """XMP in the outermost boxes, as JPEG 2000 and CR3 have it. Never raises."""
    blocks = MetadataBlocks()
    try:
        for kind, start, end in boxes(data, 0, len(data), truncated=True):
            if kind == b"uuid" and data.startswith(_XMP_UUID, start):
                start += len(_XMP_UUID)
                blocks.xmp.append(data[start : min(end, start + MAX_XMP_BYTES)])
    except MalformedError:
        pass  # the boxes before are valid
    return blocks
