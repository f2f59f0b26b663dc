"""What determines the pixels of a JPEG file's first picture."""

from __future__ import annotations

import re

from csearchd.formats.parts import MAX_PARTS, MalformedError, Parts

# In entropy-coded data FF is followed by 00 (a stuffed byte) or D0–D7 (a restart marker) only.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_FILLED = re.compile(rb"\xff+")  # a marker begins with as many as its writer likes
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_APP0, _APP2, _APP14, _COM = 0xE0, 0xE2, 0xEE, 0xFE
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def jpeg_parts(data: bytes) -> Parts:
    """Frame, tables, scans, colour profile and colour transform, up to the first EOI.

    What follows (the further pictures of an MPO file, the film of a motion photo) is not shown.
    """
    view = memoryview(data)
    if data[:2] != bytes((0xFF, _SOI)):
        raise MalformedError
    at = 2
    jfif, adobe, components = False, b"", b""
    for _ in range(MAX_PARTS):
        marker, at = _marker(data, at)
        if marker == _EOI:
            return
        end = at + int.from_bytes(view[at : at + 2], "big")
        if end < at + 2 or end > len(data):
            raise MalformedError
        content = view[at + 2 : end]
        if marker == _SOS:
            yield _colour_transform(jfif, adobe, components)
            found = _MARKER.search(data, end)
            if found is None:
                raise MalformedError
            end = found.start()
        if marker == _APP0:
            jfif = jfif or (content[:5].tobytes() == b"JFIF\0" and len(content) >= 14)
        elif marker == _APP14:
            adobe = bytes(content[11:12]) if content[:5].tobytes() == b"Adobe" else adobe
        elif marker in _SOF:
            components = bytes(content[6::3])
        if _counts(marker, content):
            yield bytes((0xFF, marker))
            yield view[at:end]
        at = end
    raise MalformedError


def _marker(data: bytes, at: int) -> tuple[int, int]:
    """The marker at `at`, perhaps behind fill bytes, and where it ends."""
    filled = _FILLED.match(data, at)
    if filled is None or filled.end() >= len(data):
        raise MalformedError
    return data[filled.end()], filled.end() + 1


def _counts(marker: int, content: memoryview) -> bool:
    if marker == _APP2:
        return content[:12].tobytes() == b"ICC_PROFILE\0"
    return not (_APP0 <= marker <= _APP0 + 15 or marker == _COM)


def _colour_transform(jfif: bool, adobe: bytes, components: bytes) -> bytes:
    """How libjpeg takes the components (jdapimin.c, default_decompress_parms).

    Not the segments themselves: a JFIF segment can go with other metadata, without effect.
    """
    if len(components) != 3:
        return b"Adobe" + adobe
    if jfif:
        return b"YCC"
    if adobe:
        return b"RGB" if adobe == b"\0" else b"YCC"
    return b"RGB" if components == b"RGB" else b"YCC"
