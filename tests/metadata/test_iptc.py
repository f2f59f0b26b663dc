"""IPTC blocks: what they say, and that any bytes are harmless."""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csearchd.errors import UneditableError
from csearchd.formats.photoshop import iptc_block
from csearchd.metadata.iptc import from_iptc, keywords, with_keywords
from csearchd.metadata.record import dated


def dataset(number: int, value: bytes, record: int = 2) -> bytes:
    return bytes((0x1C, record, number)) + len(value).to_bytes(2, "big") + value


UTF8 = dataset(90, b"\x1b%G", record=1)


@pytest.mark.parametrize(
    ("block", "keywords"),
    [
        (UTF8 + dataset(25, "Übergröße".encode()), ["Übergröße"]),
        (dataset(25, "Übergröße".encode()), ["Übergröße"]),
        (dataset(25, "Übergröße".encode("latin-1")), ["Übergröße"]),
        (dataset(25, b"a/b") + dataset(0, b"\0\2") + dataset(25, b" c "), ["a/b", "c"]),
        (b"\x1c\x02\x19\x80\x04\0\0\0\x03dog", ["dog"]),  # the length of the length
    ],
)
def test_keywords(block: bytes, keywords: list[str]) -> None:
    assert from_iptc(block) == {"keywords": keywords}


@pytest.mark.parametrize(
    ("date", "time", "taken"),
    [
        (b"20190506", b"070809+0200", "2019-05-06T07:08:09"),
        (b"20190506", b"", "2019-05-06"),
        (b"2019-05-06", b"07:08:09+02:00", "2019-05-06T07:08:09"),
        (b"20190506", b"235960-0500", "2019-05-07T00:00:00"),
        (b"20190506", b"240000", "2019-05-07T00:00:00"),
        (b"20190506", b"soon", "2019-05-06"),
        (b"20190500", b"070809", "2019-05"),
        (b"19230000", b"000000", "1923"),
        (b"19230000", b"", "1923"),
        (b"190506", b"070809", "2019-05-06T07:08:09"),
        (b"230514", b"", "2023-05-14"),
        (b"980514", b"070809", "1998-05-14T07:08:09"),
        (b"200105", b"070809", "2020-01-05T07:08:09"),
        (b"200105", b"", None),  # or a year and a month
        (b"20191306", b"070809", None),
        (b"00000000", b"000000", None),
    ],
)
def test_dates(date: bytes, time: bytes, taken: str | None) -> None:
    record = from_iptc(dataset(55, date) + dataset(60, time))
    assert dated(record, b"a.jpg", datetime(2024, 1, 1)).get("taken") == taken


def test_what_stands_before_the_damage_counts() -> None:
    assert from_iptc(dataset(5, b"Title") + b"\x1c\x02\x19\x00\xffdog") == {"title": "Title"}


def test_among_photoshop_s_resources() -> None:
    block = dataset(25, b"dog")
    resource = b"8BIM\x04\x04\0\0" + len(block).to_bytes(4, "big") + block
    other = b"8BIM\x04\x25\x04name\0" + b"\0\0\0\x03abc\0"
    assert iptc_block(other + resource) == block
    assert iptc_block(other) is None


HEADS = st.sampled_from([b"\x1c\x02\x19", b"\x1c\x02\x37", b"8BIM\x04\x04", b"\0", b"\x80\x04"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(HEADS, st.binary(max_size=20)), max_size=30).map(b"".join))
def test_any_bytes_give_fields_or_nothing(data: bytes) -> None:
    found = from_iptc(data)
    assert msgpack.unpackb(msgpack.packb(found)) == found
    assert len(iptc_block(data) or b"") <= len(data)


def resource(number: int, content: bytes, name: bytes = b"\0\0") -> bytes:
    head = b"8BIM" + number.to_bytes(2, "big") + name + len(content).to_bytes(4, "big")
    return head + content + b"\0" * (len(content) & 1)


def edited(block: bytes) -> tuple[bytes, bytes]:
    """A block's resources with a digest, before and after "dog" becomes "cat"."""
    name = b"\x04name\0"
    before, after = (
        resource(0x0404, one, name) + resource(0x0425, hashlib.md5(one).digest())
        for one in (block, block.replace(dataset(25, b"dog"), dataset(25, b"cat")))
    )
    return before, after


@pytest.mark.parametrize("rest", [b"", b"\0\0\0", dataset(120, b"Caption"), dataset(5, b"dog")])
@pytest.mark.parametrize("first", [b"", UTF8, dataset(0, b"\0\2")])
def test_keywords_are_changed_in_place(first: bytes, rest: bytes) -> None:
    before, after = edited(first + dataset(25, b"dog") + rest)
    assert with_keywords(before, {"dog"}, ["cat"]) == after
    assert (keywords(before), keywords(after)) == (["dog"], ["cat"])
    assert with_keywords(after, {"cat"}, ["dog"]) == before


def test_the_character_set_is_kept() -> None:
    latin, utf8 = (resource(0x0404, first + dataset(25, b"dog")) for first in (b"", UTF8))
    assert keywords(with_keywords(latin, set(), ["café"])) == ["dog", "café"]
    assert keywords(with_keywords(utf8, set(), ["日本"])) == ["dog", "日本"]
    with pytest.raises(UneditableError, match="Latin letters"):
        with_keywords(latin, set(), ["日本"])


@pytest.mark.parametrize(
    "resources",
    [
        resource(0x0404, dataset(25, b"dog") + b"rubbish"),
        resource(0x0404, b"\x1c\x02\x19\x80\x04\0\0\0\x03dog"),
        resource(0x0404, dataset(25, b"dog"))[:-3],
        resource(0x0404, dataset(25, b"dog")) + b"8BIM\4",
        b"rubbish",
    ],
)
def test_what_is_damaged_is_not_changed(resources: bytes) -> None:
    for edit in (keywords, lambda data: with_keywords(data, {"dog"}, [])):
        with pytest.raises(UneditableError, match="damaged"):
            edit(resources)


def test_resources_without_keywords_stay_as_they_are() -> None:
    for resources in (b"", resource(0x0404, dataset(5, b"Title")), resource(0x03ED, b"abc")):
        assert with_keywords(resources, {"dog"}, ["cat"]) == resources
