"""Whether a raw file and a JPEG show the same shot."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from csearchd.encoder.decode import Decoder
from csearchd.encoder.decoding.pairs import Shot, is_same_shot, say_the_same
from csearchd.encoder.messages import Limits
from csearchd.models.preprocess import Preprocess
from support.photos import NAMES, photo
from support.raw import dng

NIKON = {"make": "NIKON CORPORATION", "model": "NIKON D750", "taken": "2023-05-14T10:11:12"}


def shot(name: str | None, **said: Any) -> Shot:
    return Shot(said, None if name is None else np.asarray(photo(name).resize((64, 64))))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", NAMES)
def test_likeness_decides_where_nothing_else_does(name: str, other: str) -> None:
    assert is_same_shot(shot(name), shot(other)) == (name == other)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"taken": "2023-05-14T10:11:14"}, True),
        ({"taken": "2023-05-14T10:12:12"}, False),
        ({"taken": "2019-05-14T10:11:12"}, False),
        ({"model": "D750"}, True),
        ({"model": "NIKON D850"}, False),
        ({"make": "Canon"}, False),
        ({"taken": "1923"}, False),  # no time to compare, and another picture
    ],
)
def test_time_and_camera(changes: dict[str, str], same: bool) -> None:
    raw, jpeg = shot("cat", **NIKON), shot("coffee", **(NIKON | changes))
    assert is_same_shot(raw, jpeg) == same
    assert is_same_shot(raw, Shot(jpeg.metadata, raw.pixels))  # whatever they say


def test_without_pixels_the_name_decides_unless_they_contradict() -> None:
    assert is_same_shot(shot(None), shot("cat", **NIKON))
    assert is_same_shot(shot(None, **NIKON), shot("cat"))
    assert not is_same_shot(shot(None, **NIKON), shot("cat", **NIKON | {"make": "Canon"}))


EXIF = {"": "", "2023": "2023:05:14 10:11:12", "2019": "2019:01:02 03:04:05"}
PREPROCESS = Preprocess(32, 32, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0)
DECODER = Decoder(PREPROCESS, Limits(pixels=1_000_000, bytes=1 << 20, memory=1 << 28))


@pytest.mark.parametrize("raw_year", EXIF)
@pytest.mark.parametrize("jpeg_year", EXIF)
def test_dates_as_files_have_them(raw_year: str, jpeg_year: str) -> None:
    exif = Image.Exif()
    if jpeg_year:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = EXIF[jpeg_year]
    stream = io.BytesIO()
    photo("cat").resize((64, 64)).save(stream, "JPEG", exif=exif)
    raw = DECODER.inspect(dng(photo("cat").resize((64, 64)), 1, EXIF[raw_year]), b"20230514.dng")
    jpeg = DECODER.inspect(stream.getvalue(), b"20230514.jpg")
    pixels = np.asarray(photo("coffee").resize((64, 64))), np.asarray(photo("cat").resize((64, 64)))
    told = Shot.of(raw.metadata, None), Shot.of(jpeg.metadata, None)
    known = bool(raw_year and jpeg_year)
    assert say_the_same(*told) == (raw_year == jpeg_year if known else None)
    assert is_same_shot(*told) == (raw_year == jpeg_year or not raw_year or not jpeg_year)
    unlike = (one._replace(pixels=other) for one, other in zip(told, pixels, strict=True))
    assert is_same_shot(*unlike) == (raw_year == jpeg_year != "")


def test_dates_that_cameras_invent_tell_nothing() -> None:
    said = NIKON | {"taken": "2000-01-01T00:00:00", "date_doubtful": 1}
    assert is_same_shot(shot(None, **said), shot("cat", **NIKON))
    assert not is_same_shot(shot("coffee", **said), shot("cat", **said))


@given(st.dictionaries(st.sampled_from(["taken", "make", "model"]), st.text()))
def test_whatever_files_say(said: dict[str, Any]) -> None:
    assert is_same_shot(shot("cat", **said), shot("cat", **NIKON))
    is_same_shot(shot("cat", **said), shot("coffee", **NIKON))
