"""Codestreams of JPEG 2000 (ISO/IEC 15444-1, annex A): where one ends, and one that breaks off."""

from __future__ import annotations

from collections.abc import Iterator

from csearchd.formats.parsing import MAX_PARTS

_START = b"\xff\x4f\xff\x51"  # SOC and SIZ
_TILE, _DATA, _END = b"\xff\x90", b"\xff\x93", b"\xff\xd9"  # SOT, SOD, EOC
_TILE_HEADER = 12  # bytes of SOT
_MAX_LACKING = 64 << 20  # bytes that are made up
_UNKNOWN = 1 << 18  # the same of a tile that doesn't tell its size


def salvaged(data: bytes) -> Iterator[bytes]:
    """The codestream by itself, since its boxes may be unusual; and with zeros for what it lacks.

    To a decoder zeros are packets that add nothing. Tiles of which nothing is there are left out.
    """
    start = data.find(_START)
    if start < 0:
        return
    if start > 0:
        yield data[start:]
    if filled := _filled(data[start:]):
        yield filled


def codestream_ends(data: bytes) -> bool:
    """Whether the end of the codestream (EOC, which coded data can't contain) is there."""
    return data.find(_END, data.find(_START)) >= 0


def _filled(stream: bytes) -> bytes | None:
    """The codestream up to its end; None where it lacks nothing, or there is no tile."""
    at = stream.find(_TILE)
    for _ in range(MAX_PARTS if at > 0 else 0):
        if len(stream) < at + _TILE_HEADER and _END not in stream[at:]:
            return stream[:at] + _END  # cut off between two tiles, or within the end
        if stream[at : at + 2] != _TILE:
            return None
        size = int.from_bytes(stream[at + 6 : at + 10], "big")
        lacking = at + size - len(stream) if size else _UNKNOWN
        if lacking > 0:
            if size == 0 and codestream_ends(stream):
                return None
            if stream.find(_DATA, at) < 0 or lacking > _MAX_LACKING:  # cut off in its header
                return stream[:at] + _END
            return stream + bytes(lacking) + _END
        at += size
    return None
