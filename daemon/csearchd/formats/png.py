"""What determines the pixels of a PNG file."""

from __future__ import annotations

from collections.abc import Iterator

from csearchd.formats.parts import MAX_PARTS, MalformedError, Parts

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Everything that isn't known to be only descriptive counts.
_DESCRIPTIVE = {b"tEXt", b"zTXt", b"iTXt", b"tIME", b"pHYs", b"eXIf", b"dSIG", b"caBX", b"IEND"}


def chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The chunks up to IEND, as type and content. Raises MalformedError where they don't fit."""
    view = memoryview(data)
    at = len(SIGNATURE)
    if data[:at] != SIGNATURE:
        raise MalformedError
    for _ in range(MAX_PARTS):
        if at + 12 > len(data):
            break
        length = int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        end = at + 8 + length
        if end + 4 > len(data):
            raise MalformedError
        yield kind, view[at + 8 : end]
        if kind == b"IEND":
            return
        at = end + 4
    raise MalformedError


def png_parts(data: bytes) -> Parts:
    """All chunks but the descriptive ones, without their checksums."""
    for kind, content in chunks(data):
        if kind not in _DESCRIPTIVE:
            yield kind + len(content).to_bytes(4, "big")
            yield content
