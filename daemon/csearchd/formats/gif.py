"""GIF89a: the XMP in it, and whether its first picture is whole. Its identity is the file's."""

from __future__ import annotations

from csearchd.formats.parsing import MAX_PARTS, MAX_XMP_BYTES, MetadataBlocks

# XMP specification part 3, 1.1.2: the packet is in an application extension as it is, not in
# sub-blocks, and a trailer that counts down from FF leads a decoder out of it.
_HEAD, _TRAILER = b"!\xff\x0bXMP DataXMP", b"\x01\xff\xfe\xfd"
_EXTENSION, _IMAGE = 0x21, 0x2C
_HEADER, _DESCRIPTOR = 13, 10  # bytes


def metadata_blocks(data: bytes) -> MetadataBlocks:
    """The first XMP packet. Never raises."""
    start = data.find(_HEAD)
    if start < 0:
        return MetadataBlocks()
    start += len(_HEAD)
    end = data.find(_TRAILER, start, start + MAX_XMP_BYTES)
    return MetadataBlocks([data[start:end]] if end > 0 else [])


def first_is_whole(data: bytes) -> bool:
    """Whether all blocks of the first picture are in the file (GIF89a, sections 18 to 24)."""
    try:
        at = _HEADER + _table(data[10])
        for _ in range(MAX_PARTS):
            if data[at] == _IMAGE:
                at += _DESCRIPTOR + _table(data[at + _DESCRIPTOR - 1]) + 1
                return _behind_blocks(data, at) <= len(data)
            if data[at] != _EXTENSION:
                return False
            at = _behind_blocks(data, at + 2)
    except IndexError:
        pass
    return False


def _table(flags: int) -> int:
    """Bytes of the colour table that the flags tell of."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _behind_blocks(data: bytes, at: int) -> int:
    """Where the sub-blocks end that begin at `at`. Raises IndexError."""
    while size := data[at]:
        at += 1 + size
    return at + 1
