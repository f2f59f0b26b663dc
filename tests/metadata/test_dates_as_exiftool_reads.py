"""Dates that exiftool writes into files are read as they were meant."""

from __future__ import annotations

import io
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from csearchd.encoder.opening import register_formats
from csearchd.formats.embedded import read_blocks
from csearchd.metadata.exif import read_exif
from csearchd.metadata.record import dated, embedded_metadata

pytestmark = pytest.mark.skipif(
    not shutil.which("exiftool"), reason="needs exiftool (Debian: libimage-exiftool-perl)"
)
register_formats(1 << 28)


def picture(path: Path, *written: str) -> bytes:
    stream = io.BytesIO()
    formats = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".avif": "AVIF"}
    Image.new("RGB", (32, 16), (9, 99, 199)).save(stream, formats[path.suffix])
    path.write_bytes(stream.getvalue())
    command = ["exiftool", "-q", "-overwrite_original", *written, str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path.read_bytes()


def told(data: bytes) -> tuple[Any, ...]:
    """The date, its milliseconds and offset, and where it is from."""
    image = Image.open(io.BytesIO(data))
    said = embedded_metadata(read_exif(image, data), read_blocks(image, data))
    found = dated(said, b"a.jpg", datetime(2026, 1, 1))
    return tuple(found.get(key) for key in ("taken", "taken_ms", "utc_offset", "date_source"))


DATES = {
    "whole": (
        ("-EXIF:DateTimeOriginal=2023:05:14 10:11:12", "-EXIF:OffsetTimeOriginal=+05:30",
         "-EXIF:SubSecTimeOriginal=25"),
        ("2023-05-14T10:11:12", 250, 330, "exif"),
    ),
    "created in EXIF, taken in XMP": (
        ("-EXIF:CreateDate=2022:05:14 10:11:12", "-XMP-photoshop:DateCreated=2021:05:14"),
        ("2021-05-14", None, None, "xmp"),
    ),
    "modified in EXIF, created in XMP": (
        ("-EXIF:ModifyDate=2022:05:14 10:11:12", "-XMP:CreateDate=2021:05:14 01:02:03-03:00"),
        ("2021-05-14T01:02:03", None, -180, "xmp"),
    ),
    "a year": (("-XMP-exif:DateTimeOriginal=1923",), ("1923", None, None, "xmp")),
    "a month": (("-XMP-exif:DateTimeOriginal=1923:05",), ("1923-05", None, None, "xmp")),
    "IPTC": (
        ("-IPTC:DateCreated=2021:05:14", "-IPTC:TimeCreated=10:11:12+02:00"),
        ("2021-05-14T10:11:12", None, 120, "iptc"),
    ),
    "IPTC's digital date": (
        ("-IPTC:DigitalCreationDate=2021:05:14", "-IPTC:DigitalCreationTime=10:11:12+02:00"),
        ("2021-05-14T10:11:12", None, 120, "iptc"),
    ),
    "satellites": (
        ("-GPS:GPSDateStamp=2023:06:11", "-GPS:GPSTimeStamp=03:06:07.5"),
        ("2023-06-11T03:06:07", 500, 0, "gps"),
    ),
    "satellites and a clock": (
        ("-EXIF:DateTimeOriginal=2023:06:10 23:06:12", "-GPS:GPSDateStamp=2023:06:11",
         "-GPS:GPSTimeStamp=03:06:07"),
        ("2023-06-10T23:06:12", None, -240, "exif"),
    ),
    "satellites in XMP": (
        ("-XMP-exif:GPSDateTime=2023:06:11 03:06:07Z",),
        ("2023-06-11T03:06:07", None, 0, "gps"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DATES)
def test_what_exiftool_writes(tmp_path: Path, name: str) -> None:
    written, expected = DATES[name]
    assert told(picture(tmp_path / "a.jpg", *written)) == expected


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".avif"])
def test_what_exiftool_writes_elsewhere(tmp_path: Path, suffix: str) -> None:
    written, expected = DATES["whole"]
    assert told(picture(tmp_path / f"a{suffix}", *written)) == expected
