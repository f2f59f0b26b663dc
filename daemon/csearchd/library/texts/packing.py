"""Lines of words as the database has them: msgpack, corners as 16-bit fractions of the picture."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgpack

from csearchd.library.texts.lines import TextLine

_BOX = struct.Struct("<8H")
_ONE = 65535
_SURE = 255


def packed(lines: Sequence[TextLine]) -> bytes:
    """Lines as bytes: about 25 for each, and its text."""
    found: bytes = msgpack.packb([_fields(line) for line in lines])
    return found


def unpacked(data: bytes | None) -> list[TextLine]:
    """The lines of `packed`; none where these are damaged."""
    if not data:
        return []
    try:
        return [
            TextLine(
                str(text),
                tuple(round(corner / _ONE, 5) for corner in _BOX.unpack(box)),
                round(int(sure) / _SURE, 2),
                str(script),
            )
            for text, box, sure, script in msgpack.unpackb(data)
        ]
    except (ValueError, TypeError, struct.error, msgpack.exceptions.ExtraData):
        return []


def _fields(line: TextLine) -> list[object]:
    sure = round(_within(line.confidence) * _SURE)
    return [line.text, _BOX.pack(*map(_fraction, line.box)), sure, line.script]


def _within(value: float) -> float:
    return min(max(float(value), 0.0), 1.0)


def _fraction(value: float) -> int:
    return round(_within(value) * _ONE)
