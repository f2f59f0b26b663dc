"""HEIC and JPEG XL: what is refused, for which reason, and which way up they are shown."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from csearchd.encoder.decode import Decoder
from csearchd.encoder.decoding.jpeg_xl import size
from csearchd.encoder.messages import Limits
from csearchd.encoder.opening import memory_needed, open_image, register_formats
from csearchd.errors import PictureError
from csearchd.models.preprocess import Preprocess
from support.photos import photo

LIMITS = Limits(pixels=300_000_000, bytes=1_000_000_000, memory=2_000_000_000)  # the defaults
PREPROCESS = Preprocess(32, 32, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0)
DECODER = Decoder(PREPROCESS, LIMITS)
PHOTO = photo("coffee").resize((160, 96))


def heic(**options: Any) -> bytes:
    pillow_heif.register_heif_opener()
    stream = io.BytesIO()
    PHOTO.save(stream, "HEIF", **options)
    register_formats(LIMITS.pixels)
    return stream.getvalue()


def said_to_be(data: bytes, width: int, height: int) -> bytes:
    """The file with another size in its header."""
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


@pytest.mark.parametrize(("width", "height"), [(16384, 12288), (16320, 12240), (14000, 14000)])
def test_200_megapixels_are_within_the_default_limits(width: int, height: int) -> None:
    data = said_to_be(heic(), width, height)
    image = open_image(data, register_formats(LIMITS.pixels), LIMITS)
    assert memory_needed(image, width * height) < LIMITS.memory


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        (20000, 20000, "20000×20000 pixels are more than the limit of 300 million"),
        (100_000, 100_000, "encode.max_pixels"),
        (17000, 17000, "encode.max_memory"),
    ],
)
def test_a_refusal_names_the_limit(width: int, height: int, said: str) -> None:
    data = said_to_be(heic(), width, height)
    with pytest.raises(PictureError, match=said):
        DECODER.decode(data, DECODER.inspect(data, b"x.heic"))


def test_damaged_heic_is_not_called_another_format() -> None:
    data = heic()
    at = data.index(b"hvcC")
    with pytest.raises(PictureError) as error:
        damaged = data[:at] + b"rubb" + data[at + 4 :]
        DECODER.decode(damaged, DECODER.inspect(damaged, b"x.heic"))
    assert "not an image" not in str(error.value)


def test_exif_turns_a_heic_that_has_no_rotation_of_its_own() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = heic(exif=exif.tobytes())
    assert b"irot" in data  # which the writer makes of it; so EXIF data must not turn it again
    upright = PHOTO.transpose(Image.Transpose.ROTATE_270)
    without = data.replace(b"irot", b"free")
    for file in (data, without):
        info = DECODER.inspect(file, b"x.heic")
        assert (info.width, info.height) == upright.size
        found = DECODER.decode(file, info).pixels
        assert np.abs(found.astype(int) - PREPROCESS.fit(upright)).mean() < 5


@pytest.mark.parametrize(
    "shape", [(1, 1), (8, 8), (256, 256), (61, 37), (640, 480), (4000, 3), (3, 4000), (1920, 1080)]
)
@pytest.mark.parametrize("container", [False, True])
def test_the_size_of_jpeg_xl(shape: tuple[int, int], container: bool) -> None:
    stream = io.BytesIO()
    pytest.importorskip("pillow_jxl")
    Image.new("RGB", shape).save(stream, "JXL", use_container=container)
    assert size(stream.getvalue()) == shape
    limits = Limits(pixels=shape[0] * shape[1] - 1, bytes=1 << 30, memory=1 << 30)
    small = Decoder(PREPROCESS, limits)
    with pytest.raises(PictureError, match="pixels"):
        small.inspect(stream.getvalue(), b"x.jxl")


def test_jpeg_xl_is_shown_and_not_turned_twice() -> None:
    pytest.importorskip("pillow_jxl")
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    PHOTO.save(stream, "JXL", exif=exif.tobytes(), quality=95)
    info = DECODER.inspect(stream.getvalue(), b"x.jxl")
    assert (info.format, info.width, info.height) == ("JXL", 160, 96)
    found = DECODER.decode(stream.getvalue(), info).pixels
    assert np.abs(found.astype(int) - PREPROCESS.fit(PHOTO)).mean() < 5


def test_a_cut_jpeg_xl_is_refused_without_advice_to_developers() -> None:
    pytest.importorskip("pillow_jxl")
    stream = io.BytesIO()
    PHOTO.save(stream, "JXL")
    with pytest.raises(PictureError, match="damaged or not supported") as error:
        DECODER.inspect(stream.getvalue()[:-50], b"x.jxl")
    assert "libjxl" not in str(error.value)
