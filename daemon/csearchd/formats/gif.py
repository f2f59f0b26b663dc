"""GIF89a: the XMP in it. Its identity is the whole file's."""

from __future__ import annotations

from csearchd.formats.parsing import MAX_XMP_BYTES, MetadataBlocks

# XMP specification part 3, 1.1.2: the packet is in an application extension as it is, not in
# sub-blocks, and a trailer that counts down from FF leads a decoder out of it.
_HEAD, _TRAILER = b"!\xff\x0bXMP DataXMP", b"\x01\xff\xfe\xfd"


def metadata_blocks(data: bytes) -> MetadataBlocks:
    """The first XMP packet. Never raises."""
    start = data.find(_HEAD)
    if start < 0:
        return MetadataBlocks()
    start += len(_HEAD)
    end = data.find(_TRAILER, start, start + MAX_XMP_BYTES)
    return MetadataBlocks([data[start:end]] if end > 0 else [])
