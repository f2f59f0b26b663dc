"""IPTC blocks: what they say, and that any bytes are harmless."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csearchd.formats.photoshop import iptc_block
from csearchd.metadata.iptc import from_iptc


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
    ("date", "time", "found"),
    [
        (b"20190506", b"070809+0200", {"taken": "2019-05-06T07:08:09", "utc_offset": 120}),
        (b"20190506", b"", {"taken": "2019-05-06T00:00:00"}),
        (b"20191306", b"070809", {}),
        (b"00000000", b"000000", {}),
    ],
)
def test_dates(date: bytes, time: bytes, found: dict[str, object]) -> None:
    assert from_iptc(dataset(55, date) + dataset(60, time)) == found


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
