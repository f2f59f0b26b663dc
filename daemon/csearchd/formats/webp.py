"""What determines the pixels of a WebP file."""

from __future__ import annotations

from csearchd.formats.parts import MAX_PARTS, MalformedError, Parts

_CODED = {b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF"}


def webp_parts(data: bytes) -> Parts:
    """Coded data, alpha, animation and colour profile.

    Not VP8X: adding metadata adds it, and sets flags in it. Only an animation has a canvas that
    isn't its picture's, so there the size in VP8X counts.
    """
    view = memoryview(data)
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise MalformedError
    end = 8 + int.from_bytes(view[4:8], "little")
    if end > len(data):
        raise MalformedError
    at, canvas, coded = 12, b"", False
    for _ in range(MAX_PARTS):
        if at + 8 > end:
            break
        kind = bytes(view[at : at + 4])
        length = int.from_bytes(view[at + 4 : at + 8], "little")
        content = view[at + 8 : at + 8 + length]
        if len(content) < length:
            raise MalformedError
        if kind == b"VP8X":
            canvas = bytes(content[4:10])
        elif kind in _CODED:
            coded = True
            if kind == b"ANIM":
                yield canvas
            yield kind + length.to_bytes(4, "little")
            yield content
        at += 8 + length + (length & 1)
    if not coded or at + 8 <= end:
        raise MalformedError
