"""EXIF data with one damaged field, of which every other field is read.

Each tag of full EXIF data has once a bad offset, count and type.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from csearchd.formats.embedded import read_blocks
from csearchd.metadata.exif import read_exif
from csearchd.metadata.record import dated, embedded_metadata
from support.exif import EXIF, GPS, Entry, ascii, exif, jpeg, long, rational, short

FAR = 0x7FFF0000
XP = "Strand; Möwe".encode("utf-16-le") + b"\0\0"


def full(order: str = "<") -> list[Entry]:
    """All that a picture by a camera and an editor says, 40 tags."""
    options: dict[str, Any] = {"order": order}
    inside: dict[str, Any] = {"order": order, "directory": EXIF}
    place: dict[str, Any] = {"order": order, "directory": GPS}
    return [
        ascii(270, "Gulls at the sea"), ascii(271, "Canon"), ascii(272, "Canon EOS 40D"),
        short(274, 6, **options), rational(282, (72, 1), **options),
        rational(283, (72, 1), **options), short(296, 2, **options),
        ascii(305, "Editor 1.0"), ascii(306, "2020:01:01 00:00:00"), ascii(315, "Anna Müller"),
        short(531, 1, **options), ascii(33432, "nobody"), short(0x4746, 4, **options),
        Entry(0x9C9B, 1, "Möwen".encode("utf-16-le") + b"\0\0"), Entry(0x9C9E, 1, XP),
        long(EXIF, 0, **options), long(GPS, 0, **options),
        rational(33434, (1, 125), **inside), rational(33437, (28, 10), **inside),
        short(34850, 2, **inside), short(34855, 400, **inside), Entry(36864, 7, b"0230", EXIF),
        ascii(36867, "2008:05:30 15:56:01", EXIF), ascii(36868, "2008:05:30 15:56:01", EXIF),
        ascii(36881, "+05:30", EXIF), rational(37378, (3, 1), **inside),
        rational(37386, (50, 1), **inside), Entry(37500, 7, bytes(range(64)), EXIF),
        Entry(37510, 7, b"ASCII\0\0\0a comment", EXIF), ascii(37521, "42", EXIF),
        short(40961, 1, **inside), long(40962, 32, **inside), ascii(42036, "EF 50mm", EXIF),
        Entry(0, 1, b"\2\2\0\0", GPS), ascii(1, "S", GPS),
        rational(2, (33, 1), (51, 1), (315, 10), **place), ascii(3, "E", GPS),
        rational(4, (151, 1), (12, 1), (51, 1), **place), Entry(5, 1, b"\0", GPS),
        rational(6, (125, 10), **place),
    ]  # fmt: skip


WHOLE = {
    "taken": "2008-05-30T15:56:01", "taken_ms": 420, "utc_offset": 330, "date_source": "exif",
    "make": "Canon", "model": "Canon EOS 40D",
    "lens": "EF 50mm", "iso": 400, "exposure": 0.008, "aperture": 2.8, "focal_length": 50.0,
    "latitude": -33.85875, "longitude": 151.2141667,
    "altitude": 12.5, "orientation": 6, "title": "Möwen", "description": "Gulls at the sea",
    "rating": 4, "keywords": ["Strand", "Möwe"],
}  # fmt: skip
# What depends on each tag
OF = {
    270: "description", 271: "make", 272: "model", 274: "orientation", 0x4746: "rating",
    0x9C9B: "title", 0x9C9E: "keywords", 34855: "iso",
    33434: "exposure", 33437: "aperture", 37386: "focal_length",
    36867: "taken taken_ms utc_offset", 37521: "taken_ms",
    36881: "utc_offset", 42036: "lens", 1: "latitude longitude altitude",
    2: "latitude longitude altitude", 3: "latitude longitude altitude",
    4: "latitude longitude altitude", 5: "altitude", 6: "altitude",
}  # fmt: skip


def damaged(order: str = "<") -> Iterator[tuple[str, int, bytes]]:
    """What is damaged, the tag, and the EXIF data."""
    entries = full(order)
    for place, one in enumerate(entries):
        large = len(one.value) > 4 or one.tag in (EXIF, GPS)
        damages = {
            "offset": replace(one, offset=FAR, count=None if large else 9),
            "count": replace(one, count=FAR),
            "no count": replace(one, count=0),
            "type": replace(one, kind=99),
            "no type": replace(one, kind=0),
        }
        for name, bad in damages.items():
            if one.tag in (EXIF, GPS) and name == "offset":
                bad = replace(one, offset=FAR, count=1)
            changed = [*entries[:place], bad, *entries[place + 1 :]]
            yield f"{name} of {one.directory}/{one.tag}", one.tag, exif(changed, order)


def read(data: bytes) -> dict[str, Any]:
    image = Image.open(io.BytesIO(data))
    said = embedded_metadata(read_exif(image, data), read_blocks(image, data))
    return dated(said, b"a.jpg", datetime(2024, 1, 1))


@pytest.mark.parametrize("order", "<>")
def test_all_is_read(order: str) -> None:
    assert read(jpeg(exif(full(order), order))) == WHOLE


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("order", "<>")
def test_a_damaged_field_costs_itself(order: str) -> None:
    for damage, tag, payload in damaged(order):
        found = read(jpeg(payload))
        lost = OF.get(tag, "").split()
        kept = {key: value for key, value in WHOLE.items() if key not in lost}
        assert {key: found.get(key) for key in kept} == kept, damage


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 39), kind=st.integers(0, 300), count=st.integers(0, 2**32 - 1),
       offset=st.integers(0, 2**32 - 1))  # fmt: skip
def test_any_damage_to_a_field_costs_itself(place: int, kind: int, count: int, offset: int) -> None:
    """But for a value of another meaning, which nobody can tell from a right one."""
    entries = full()
    bad = replace(entries[place], kind=kind, count=count, offset=offset)
    found = read(jpeg(exif([*entries[:place], bad, *entries[place + 1 :]])))
    lost = {*OF.get(bad.tag, "").split(), "description"} if bad.tag != EXIF else set(WHOLE)
    if bad.tag == GPS:
        lost = {"latitude", "longitude", "altitude"}
    for key in set(WHOLE) - lost:
        assert found.get(key) == WHOLE[key], key


def test_the_first_whole_field_of_several_counts() -> None:
    bad = replace(ascii(271, "Nikon"), offset=FAR)
    assert read(jpeg(exif([bad, ascii(271, "Canon"), ascii(271, "Sony")])))["make"] == "Canon"


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 10, 14, 40, 200, 400])
def test_data_that_break_off(size: int) -> None:
    found = read(jpeg(exif(full())[:size]))
    assert set(found) <= set(WHOLE) and found["orientation"] in (1, 6)
