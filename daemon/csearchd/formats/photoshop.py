"""Photoshop's image resource blocks, which JPEG, TIFF and PNG files embed and which hold IPTC data.

Source: Adobe Photoshop File Formats Specification, "Image Resource Blocks". A block is the
signature 8BIM, a number (2 bytes), a name (Pascal string padded to an even length), the size of
its data (4 bytes) and the data, padded to an even length. All numbers are big-endian.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from csearchd.errors import MalformedError

IPTC = 0x0404
IPTC_DIGEST = 0x0425  # MD5 of the IPTC data
SIGNATURE = b"Photoshop 3.0\0"  # stands before the blocks in a JPEG's APP13 segment
_MAX_RESOURCES = 5000


class Resource(NamedTuple):
    """One image resource block."""

    head: bytes  # signature, number and name, as they stand in the file
    number: int
    data: bytes
    is_whole: bool  # False: the file ends before the data do

    def encoded(self, data: bytes) -> bytes:
        """The block with other data."""
        return self.head + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) & 1)


def resources(data: bytes) -> Iterator[Resource]:
    """The blocks in `data`; the last may be cut off. Raises MalformedError at anything else."""
    at = 0
    while at < len(data):
        if data[at : at + 4] != b"8BIM" or at + 6 >= len(data):
            raise MalformedError
        name_size = 1 + data[at + 6]
        head_end = at + 6 + name_size + (name_size & 1)
        start = head_end + 4
        if start > len(data):
            raise MalformedError
        number = int.from_bytes(data[at + 4 : at + 6], "big")
        size = int.from_bytes(data[head_end:start], "big")
        whole = start + size <= len(data)
        yield Resource(data[at:head_end], number, data[start : start + size], whole)
        at = start + size + (size & 1)


def iptc_block(data: bytes) -> bytes | None:
    """The IPTC data among image resource blocks; None where there are none. Never raises."""
    try:
        for resource in islice(resources(data), _MAX_RESOURCES):
            if resource.number == IPTC:
                return resource.data
    except MalformedError:
        pass
    return None
