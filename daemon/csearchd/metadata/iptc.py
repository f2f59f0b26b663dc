"""IPTC-IIM (version 4.2): what its data sets say of a picture, and its keywords changed in place.

A data set is the byte 1C, a record and a number (1 byte each), a size (2 bytes, big-endian) and a
value. In a size with its highest bit set, the rest is how many bytes the real size takes. Older
programs and agencies keep keywords, title, caption and date in them.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from csearchd.errors import MalformedError, UneditableError
from csearchd.formats import photoshop
from csearchd.metadata import fields
from csearchd.metadata.dates import stated
from csearchd.metadata.texts import charsets
from csearchd.metadata.texts.keywords import keywords as keywords_of

_UTF8 = b"\x1b%G"  # ISO 2022's escape for it
_CHARSET = (1, 90)
_TITLE, _KEYWORD, _CAPTION = (2, 5), (2, 25), (2, 120)
_WANTED = {_TITLE, _KEYWORD, _CAPTION, *stated.IPTC_NUMBERS}
_MAX_SETS = 5000
_MAX_VALUE = 1 << 16  # bytes of a value that are read
_DAMAGED = "its IPTC data are damaged"


class _DataSet(NamedTuple):
    number: tuple[int, int]  # record and data set
    whole: bytes
    value: bytes

    @property
    def is_extended(self) -> bool:
        return len(self.whole) > 5 + len(self.value)


def _data_sets(block: bytes) -> Iterator[_DataSet]:
    """The data sets up to the first byte that begins none. Raises MalformedError."""
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C:
        start = at + 5
        size = int.from_bytes(block[at + 3 : start], "big")
        if size & 0x8000:
            width = size & 0x7FFF
            if width > 4:
                raise MalformedError
            size = int.from_bytes(block[start : start + width], "big")
            start += width
        end = start + size
        if end > len(block):
            raise MalformedError
        yield _DataSet((block[at + 1], block[at + 2]), block[at:end], block[start:end])
        at = end


def from_iptc(block: bytes) -> dict[str, Any]:
    """The fields of csearchd.metadata.record that a block of data sets gives. Never raises.

    Of a damaged block, what stands before the damage.
    """
    wanted: list[tuple[tuple[int, int], bytes]] = []
    try:
        for number, _, value in islice(_data_sets(block), _MAX_SETS):
            if number in _WANTED:
                wanted.append((number, value[:_MAX_VALUE]))
    except MalformedError:
        pass
    # Many programs write UTF-8 without saying so; some say so, and don't.
    texts = charsets.decoded_alike([value for _, value in wanted])
    found: dict[tuple[int, int], list[str]] = {}
    for (number, _), text in zip(wanted, texts, strict=True):
        found.setdefault(number, []).append(text)
    return fields.known(
        {
            "dates": stated.in_iptc(lambda number: found.get(number, [""])[0]),
            "title": fields.tidy(found.get(_TITLE, [""])[0]),
            "description": fields.tidy(found.get(_CAPTION, [""])[0], fields.MAX_DESCRIPTION),
            "keywords": keywords_of((found.get(_KEYWORD, ()), None)),
        }
    )


def keywords(resources: bytes) -> list[str]:
    """The keywords in Photoshop's image resource blocks, in their order.

    In the character set that the block declares, as `with_keywords` writes them. Raises
    UneditableError.
    """
    for resource in _resources(resources):
        if resource.number == photoshop.IPTC:
            sets, _ = _checked(resource.data)
            return [_text(one.value, sets) for one in sets if one.number == _KEYWORD]
    return []


def with_keywords(resources: bytes, remove: Collection[str], add: Sequence[str]) -> bytes:
    """Photoshop's image resource blocks without some keywords and with others.

    Everything else stays as it was, byte for byte, but for the digest of the IPTC data where that
    was right. Blocks without a keyword stay as they are. Raises UneditableError.
    """
    found = _resources(resources)
    old = next((one.data for one in found if one.number == photoshop.IPTC), None)
    if old is None:
        return resources
    new = _changed(old, remove, add)
    parts = []
    for one in found:
        data = new if one.number == photoshop.IPTC else one.data
        if one.number == photoshop.IPTC_DIGEST and one.data == hashlib.md5(old).digest():
            data = hashlib.md5(new).digest()
        parts.append(one.encoded(data))
    return b"".join(parts)


def _changed(block: bytes, remove: Collection[str], add: Sequence[str]) -> bytes:
    sets, padding = _checked(block)
    places = [place for place, one in enumerate(sets) if one.number == _KEYWORD]
    if not places:
        return block
    removed = {place for place in places if _text(sets[place].value, sets) in remove}
    after = places[-1] + 1
    kept = [b"" if place in removed else one.whole for place, one in enumerate(sets)]
    new = [_keyword(text, sets) for text in add]
    return b"".join([*kept[:after], *new, *kept[after:], padding])


def _resources(data: bytes) -> list[photoshop.Resource]:
    try:
        found = list(photoshop.resources(data))
    except MalformedError:
        raise UneditableError(_DAMAGED) from None
    if not all(resource.is_whole for resource in found):
        raise UneditableError(_DAMAGED)
    return found


def _checked(block: bytes) -> tuple[list[_DataSet], bytes]:
    """The data sets of a block that holds nothing else, and the padding behind them."""
    try:
        sets = list(_data_sets(block))
    except MalformedError:
        raise UneditableError(_DAMAGED) from None
    padding = block[sum(len(one.whole) for one in sets) :]
    if padding.strip(b"\0") or any(one.is_extended for one in sets):
        raise UneditableError(_DAMAGED)
    return sets, padding


def _encoding(sets: Sequence[_DataSet]) -> str:
    utf8 = any(one.number == _CHARSET and one.value == _UTF8 for one in sets)
    return "utf-8" if utf8 else "latin-1"


def _text(value: bytes, sets: Sequence[_DataSet]) -> str:
    return value.decode(_encoding(sets), "replace")


def _keyword(text: str, sets: Sequence[_DataSet]) -> bytes:
    try:
        value = text.encode(_encoding(sets))
    except UnicodeEncodeError:
        raise UneditableError(f"its IPTC data hold Latin letters only, not {text!r}") from None
    return struct.pack(">BBBH", 0x1C, *_KEYWORD, len(value)) + value
