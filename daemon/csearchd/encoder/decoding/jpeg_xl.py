"""JPEG XL: the size of a picture (ISO/IEC 18181-1, annex D; its boxes: 18181-2).

Pillow's plugin decodes a picture as soon as it is opened, so that limits must be checked before.
"""

from __future__ import annotations

from csearchd.errors import MalformedError
from csearchd.formats.isobmff import boxes

_CODESTREAM = b"\xff\x0a"
_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_SIZES = (9, 13, 18, 30)  # bits of a number, by two bits before it


def is_jpeg_xl(data: bytes) -> bool:
    """Whether a file begins like a JPEG XL picture."""
    return data.startswith((_CODESTREAM, _CONTAINER))


def size(data: bytes) -> tuple[int, int]:
    """Width and height as coded. Raises MalformedError."""
    coded = _codestream(data)
    if not coded.startswith(_CODESTREAM):
        raise MalformedError
    bits = int.from_bytes(coded[2:14].ljust(12, b"\0"), "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    def number(small: int) -> int:
        return 8 * (take(5) + 1) if small else take(_SIZES[take(2)]) + 1

    small = take(1)
    height = number(small)
    ratio = take(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio - 1]
        return height * numerator // denominator, height
    return number(small), height


def _codestream(data: bytes) -> bytes:
    """The beginning of the coded picture."""
    if not data.startswith(_CONTAINER):
        return data[:32]
    for kind, start, _ in boxes(data, 0, len(data), truncated=True):
        if kind == b"jxlc":
            return data[start : start + 32]
        if kind == b"jxlp":  # a part, behind its number
            return data[start + 4 : start + 36]
    raise MalformedError
