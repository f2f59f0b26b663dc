"""What is read from EXIF data, and that rubbish is left out."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from csearchd.metadata.exif import exif_orientation, read_exif
from csearchd.metadata.exif_directories import Exif
from csearchd.metadata.exif_fields import from_exif
from csearchd.metadata.record import dated

GPS = {1: "S", 2: (33.0, 51.0, 31.5), 3: "E", 4: (151.0, 12.0, 51.0), 5: b"\1", 6: 12.5}


def picture(format: str, base: dict[int, Any], exif: dict[int, Any], gps: dict[int, Any]) -> bytes:
    data = Image.Exif()
    data.update(base)
    data.get_ifd(ExifTags.IFD.Exif).update(exif)
    data.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    stream = io.BytesIO()
    Image.new("RGB", (32, 16)).save(stream, format, exif=data.tobytes())
    return stream.getvalue()


def metadata(data: bytes) -> dict[str, Any]:
    return with_date(from_exif(read_exif(Image.open(io.BytesIO(data)), data)))


def with_date(record: dict[str, Any]) -> dict[str, Any]:
    return dated(record, b"a.jpg", datetime(2024, 1, 1))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_camera_s_picture(format: str) -> None:
    base = {271: "Canon ", 272: "Canon EOS 40D\0\0", 306: "2020:01:01 00:00:00"}
    exif = {36867: "2008:05:30 15:56:01", 36881: "+05:30", 34855: 400, 42036: "EF 50mm"}
    assert metadata(picture(format, base, exif, GPS)) == {
        "taken": "2008-05-30T15:56:01",
        "utc_offset": 330,
        "date_source": "exif",
        "make": "Canon",
        "model": "Canon EOS 40D",
        "lens": "EF 50mm",
        "iso": 400,
        "latitude": -33.8587500,
        "longitude": 151.2141667,
        "altitude": -12.5,
        "orientation": 1,
    }


def test_nothing_known() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    assert metadata(stream.getvalue()) == {"orientation": 1}


@pytest.mark.parametrize(
    ("date", "taken"),
    [
        ("2008:05:30 15:56:01", "2008-05-30T15:56:01"),
        ("2008-05-30T15:56:01", "2008-05-30T15:56:01"),
        ("2008:05:30 15:56", "2008-05-30T15:56:00"),
        ("0000:00:00 00:00:00", None),
        ("2008:02:30 10:00:00", None),
        ("2008:05:30 24:00:00", "2008-05-31T00:00:00"),
        ("    :  :     :  :  ", None),
        ("yesterday", None),
    ],
)
def test_dates(date: str, taken: str | None) -> None:
    assert metadata(picture("JPEG", {}, {36867: date}, {})).get("taken") == taken


def test_the_next_best_date_has_its_own_offset() -> None:
    exif = {36867: "0000:00:00 00:00:00", 36881: "+01:00", 36868: "2001:02:03 04:05:06"}
    found = metadata(picture("JPEG", {}, exif, {}))
    assert found["taken"] == "2001-02-03T04:05:06" and "utc_offset" not in found


@pytest.mark.parametrize(
    "change",
    [
        {2: (91.0, 0.0, 0.0)},
        {2: (IFDRational(1, 0), 0.0, 0.0)},
        {1: "Q"},
        {4: (190.0, 0.0, 0.0)},
        {4: (10.0, IFDRational(0, 0), 5.0)},
        {4: (IFDRational(0, 0), 0.0, 0.0)},
    ],
)
def test_impossible_places_are_left_out(change: dict[int, Any]) -> None:
    found = metadata(picture("JPEG", {}, {}, {**GPS, **change}))
    assert "latitude" not in found and "longitude" not in found


def test_text_is_tidy() -> None:
    make = ("Ünïcode\n \x07x" + "y" * 500).encode()
    found = metadata(picture("JPEG", {271: make, 272: b" \0rest"}, {}, {}))
    assert found["make"].startswith("Ünïcode x") and len(found["make"]) <= 200
    assert "model" not in found


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_invalid_orientation_is_none(value: int) -> None:
    data = picture("JPEG", {0x0112: value}, {}, {})
    assert exif_orientation(read_exif(Image.open(io.BytesIO(data)), data)) == 1


EDITS = st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=6))


@settings(max_examples=300, deadline=None)
@given(edits=st.lists(EDITS, max_size=9))
def test_rubbish_never_raises(edits: list[tuple[int, bytes]]) -> None:
    data = bytearray(SAMPLE)
    for at, new in edits:
        at %= len(data) - 8
        data[at : at + len(new)] = new
    found = with_date(from_exif(Exif(bytes(data).removeprefix(b"Exif\0\0"))))
    assert msgpack.unpackb(msgpack.packb(found)) == found


def _sample() -> bytes:
    data = Image.Exif()
    data.update({271: "Make", 272: "Model", 306: "2020:01:01 00:00:00"})
    data.get_ifd(ExifTags.IFD.Exif).update({36867: "2008:05:30 15:56:01", 34855: 400})
    data.get_ifd(ExifTags.IFD.GPSInfo).update(GPS)
    return data.tobytes()


SAMPLE = _sample()
