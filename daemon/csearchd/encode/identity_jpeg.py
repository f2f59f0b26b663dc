"""What determines the pixels of a JPEG file's first picture."""

from __future__ import annotations

import re

from csearchd.encode.identity_parts import MalformedError, Parts

# In entropy-coded data FF is followed by 00 (a stuffed byte) or D0–D7 (a restart marker) only.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_SOI, _EOI, _SOS, _APP0, _APP2, _APP14, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE2, 0xEE, 0xFE


def jpeg_parts(data: bytes) -> Parts:
    """Frame, tables, scans, colour profile and colour transform, up to the first EOI.

    What follows (the further pictures of an MPO file, the film of a motion photo) is not shown.
    Of JFIF's segment only that it is there, which decides on the colour transform; its resolution
    is descriptive.
    """
    view = memoryview(data)
    if data[:2] != bytes((0xFF, _SOI)):
        raise MalformedError
    at = 2
    while True:
        marker, at = _marker(data, at)
        if marker == _EOI:
            return
        if at + 2 > len(data):
            raise MalformedError
        end = at + int.from_bytes(view[at : at + 2], "big")
        if end < at + 2 or end > len(data):
            raise MalformedError
        if marker == _SOS:
            found = _MARKER.search(data, end)
            if found is None:
                raise MalformedError
            end = found.start()
        if _counts(marker, data, at + 2):
            yield bytes((0xFF, marker))
            yield view[at:end]
        elif marker == _APP0 and data.startswith(b"JFIF\0", at + 2):
            yield b"JFIF"
        at = end


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """The marker at `at`, perhaps behind fill bytes, and where it ends."""
    if data[at : at + 1] != b"\xff":
        raise MalformedError
    while data[at : at + 1] == b"\xff":
        at += 1
    if at >= len(data):
        raise MalformedError
    return data[at], at + 1


def _counts(marker: int, data: bytes, content: int) -> bool:
    if marker == _APP2:
        return data.startswith(b"ICC_PROFILE\0", content)
    if marker == _APP14:
        return data.startswith(b"Adobe", content)
    return not (_APP0 <= marker <= _APP0 + 15 or marker == _COM)
