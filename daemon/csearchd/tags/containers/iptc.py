"""IPTC keywords in the resources of a JPEG's Photoshop segment, changed in place.

Resources: Adobe Photoshop File Formats, "Image Resource Blocks"; data sets: IPTC IIM 4.2.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Sequence
from typing import NamedTuple

from csearchd.errors import SkippedFile

_IPTC, _DIGEST = 0x0404, 0x0425
_KEYWORD, _CHARSET = (2, 25), (1, 90)
_UTF8 = b"\x1b%G"
_DAMAGED = "its IPTC data are damaged"


class _Resource(NamedTuple):
    head: bytes  # signature, number, name
    number: int
    data: bytes


class _DataSet(NamedTuple):
    number: tuple[int, int]
    whole: bytes
    value: bytes


def keywords(resources: bytes) -> list[str]:
    """The keywords in a segment's resources. Raises SkippedFile."""
    for resource in _resources(resources):
        if resource.number == _IPTC:
            sets, _ = _data_sets(resource.data)
            return [_text(one.value, sets) for one in sets if one.number == _KEYWORD]
    return []


def with_keywords(resources: bytes, less: Collection[str], more: Sequence[str]) -> bytes:
    """The resources with other keywords; everything else as it was. Raises SkippedFile."""
    found = _resources(resources)
    old = next((one.data for one in found if one.number == _IPTC), None)
    if old is None:
        return resources
    sets, rest = _data_sets(old)
    if any(one.number == _KEYWORD for one in sets):
        last = max(at for at, one in enumerate(sets) if one.number == _KEYWORD)
        fresh = [_keyword(text, sets) for text in more]
        parts = [
            b"" if one.number == _KEYWORD and _text(one.value, sets) in less else one.whole
            for one in sets
        ]
        new = b"".join([*parts[: last + 1], *fresh, *parts[last + 1 :]]) + rest
    else:
        new = old
    parts = []
    for one in found:
        data = new if one.number == _IPTC else one.data
        if one.number == _DIGEST and one.data == hashlib.md5(old).digest():
            data = hashlib.md5(new).digest()
        parts.append(one.head + struct.pack(">I", len(data)) + data + b"\0" * (len(data) & 1))
    return b"".join(parts)


def _resources(data: bytes) -> list[_Resource]:
    found = []
    at = 0
    while at < len(data):
        name_end = at + 7 + data[at + 6] if at + 6 < len(data) else at
        name_end += (name_end - at) & 1
        if data[at : at + 4] != b"8BIM" or name_end + 4 > len(data):
            raise SkippedFile(_DAMAGED)
        (number,) = struct.unpack_from(">H", data, at + 4)
        (size,) = struct.unpack_from(">I", data, name_end)
        start = name_end + 4
        if start + size > len(data):
            raise SkippedFile(_DAMAGED)
        found.append(_Resource(data[at:name_end], number, data[start : start + size]))
        at = start + size + (size & 1)
    return found


def _data_sets(data: bytes) -> tuple[list[_DataSet], bytes]:
    """The data sets, and the padding behind them."""
    found = []
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        (size,) = struct.unpack_from(">H", data, at + 3)
        end = at + 5 + size
        if size & 0x8000 or end > len(data):
            raise SkippedFile(_DAMAGED)
        found.append(_DataSet((data[at + 1], data[at + 2]), data[at:end], data[at + 5 : end]))
        at = end
    if data[at:].strip(b"\0"):
        raise SkippedFile(_DAMAGED)
    return found, data[at:]


def _encoding(sets: Sequence[_DataSet]) -> str:
    utf8 = any(one.number == _CHARSET and one.value == _UTF8 for one in sets)
    return "utf-8" if utf8 else "latin-1"


def _text(value: bytes, sets: Sequence[_DataSet]) -> str:
    return value.decode(_encoding(sets), "replace")


def _keyword(text: str, sets: Sequence[_DataSet]) -> bytes:
    try:
        value = text.encode(_encoding(sets))
    except UnicodeEncodeError:
        raise SkippedFile(f"its IPTC data can't hold {text!r}, in Latin letters only") from None
    return struct.pack(">BBBH", 0x1C, *_KEYWORD, len(value)) + value
