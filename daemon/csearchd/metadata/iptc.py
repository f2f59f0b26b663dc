"""IPTC-IIM (version 4.2): keywords, title, caption and date of older programs and of agencies."""

from __future__ import annotations

import re
from typing import Any

from csearchd.metadata import fields

_UTF8 = b"\x1b%G"  # ISO 2022's escape for it, in 1:90
_TITLE, _KEYWORD, _DATE, _TIME, _CAPTION = 5, 25, 55, 60, 120
_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)")
_CLOCK = re.compile(r"(\d\d)(\d\d)(\d\d)([+-]\d{4})?")
_RESOURCE = b"8BIM"
_IPTC_RESOURCE = 0x0404
_MAX_SETS = 5000
_MAX_RESOURCES = 5000


def from_iptc(block: bytes) -> dict[str, Any]:
    """The fields of csearchd.metadata.record that are known. Never raises."""
    utf8 = False
    found: dict[int, list[str]] = {}
    for record, number, value in _datasets(block):
        if (record, number) == (1, 90):
            utf8 = value.startswith(_UTF8)
        elif record == 2 and number in (_TITLE, _KEYWORD, _DATE, _TIME, _CAPTION):
            found.setdefault(number, []).append(_decoded(value, utf8))
    day = _DAY.fullmatch(found.get(_DATE, [""])[0].strip())
    clock = _CLOCK.fullmatch(found.get(_TIME, [""])[0].strip())
    hours = clock.groups() if clock else (None, None, None, None)
    return fields.known(
        {
            **(fields.moment(day.groups() + hours[:3], hours[3]) if day else {}),
            "title": fields.tidy(found.get(_TITLE, [""])[0]),
            "description": fields.tidy(found.get(_CAPTION, [""])[0], fields.MAX_DESCRIPTION),
            "keywords": [
                keyword
                for value in found.get(_KEYWORD, ())
                for keyword in fields.keyword(value, None)
            ],
        }
    )


def iptc_resource(photoshop: bytes) -> bytes | None:
    """The IPTC block among Photoshop's image resources (its file format's specification)."""
    at = 0
    for _ in range(_MAX_RESOURCES):
        if photoshop[at : at + 4] != _RESOURCE:
            break
        number = int.from_bytes(photoshop[at + 4 : at + 6], "big")
        at += 6
        at += 1 + (photoshop[at] if at < len(photoshop) else 0)  # a name
        at += at & 1
        size = int.from_bytes(photoshop[at : at + 4], "big")
        at += 4
        if number == _IPTC_RESOURCE:
            return photoshop[at : at + size]
        at += size + (size & 1)
    return None


def _datasets(block: bytes) -> list[tuple[int, int, bytes]]:
    """Record, number and value of each, as far as they are well-formed."""
    sets: list[tuple[int, int, bytes]] = []
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C and len(sets) < _MAX_SETS:
        record, number = block[at + 1], block[at + 2]
        size = int.from_bytes(block[at + 3 : at + 5], "big")
        at += 5
        if size & 0x8000:  # the length of the length
            width = size & 0x7FFF
            if width > 4:
                break
            size = int.from_bytes(block[at : at + width], "big")
            at += width
        if at + size > len(block):
            break
        sets.append((record, number, block[at : at + size]))
        at += size
    return sets


def _decoded(value: bytes, utf8: bool) -> str:
    """Many write UTF-8 without saying so."""
    try:
        return value.decode("utf-8", "replace" if utf8 else "strict")
    except UnicodeDecodeError:
        return value.decode("latin-1")
