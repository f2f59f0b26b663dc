"""JPEG 2000, AVIF and HEIC that break off are shown as far as they go; TIFFs may say why not."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from csearchd.encoder.decode import Decoded, Decoder
from csearchd.encoder.messages import Limits
from csearchd.encoder.opening import register_formats
from csearchd.errors import PictureError
from csearchd.models.preprocess import Preprocess
from support.photos import photo

LIMITS = Limits(pixels=50_000_000, bytes=1 << 30, memory=1 << 30)
PREPROCESS = Preprocess(64, 64, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0)
DECODER = Decoder(PREPROCESS, LIMITS)
PHOTO = photo("astronaut").resize((256, 256))
SHOWN = PREPROCESS.fit(PHOTO).astype(int)
CLOSE = 20  # mean difference of a row, of 255
CUT_OFF = "the file is cut off: the part that says how to decode it is missing"


def saved(format: str, image: Image.Image = PHOTO, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def heic() -> bytes:
    pillow_heif.register_heif_opener()
    data = saved("HEIF", quality=80)
    register_formats(LIMITS.pixels)
    return data


def alpha() -> Image.Image:
    image = PHOTO.convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    return image


RESOLUTIONS = {  # all of the picture, and the less sharp the less there is
    "JPEG 2000": saved("JPEG2000"),
    "lossy": saved("JPEG2000", quality_mode="rates", quality_layers=[8]),
    "layers": saved("JPEG2000", quality_mode="rates", quality_layers=[40, 20, 8]),
    "by resolutions": saved("JPEG2000", progression="RPCL"),
    "a codestream": saved("JPEG2000", no_jp2=True),
}
ROWS = {  # the rows that there are
    "AVIF": saved("AVIF", quality=80),
    "lossless AVIF": saved("AVIF", quality=100),
    "AVIF with alpha": saved("AVIF", alpha(), quality=80),
    "animated AVIF": saved(
        "AVIF", save_all=True, append_images=[Image.new("RGB", PHOTO.size, "red")]
    ),
    "HEIC": heic(),
}
TILES = saved("JPEG2000", tile_size=(128, 128))
SHARES = (0.9, 0.7, 0.5, 0.3)


def decode(data: bytes) -> Decoded:
    return DECODER.decode(data, DECODER.inspect(data, b"x"))


def rows_shown(found: Decoded) -> float:
    """The share of rows that are as in the whole picture."""
    off = np.abs(found.pixels.astype(int) - SHOWN).mean(axis=(1, 2))
    return float((off < CLOSE).mean())


@pytest.mark.parametrize("data", [*RESOLUTIONS.values(), *ROWS.values(), TILES])
def test_whole_files_are_not_incomplete(data: bytes) -> None:
    found = decode(data)
    assert not found.incomplete and rows_shown(found) > 0.97
    assert not decode(data + b"\0\0").incomplete


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("what", RESOLUTIONS)
def test_jpeg_2000_gets_less_sharp(what: str, share: float) -> None:
    data = RESOLUTIONS[what]
    found = decode(data[: int(len(data) * share)])
    assert found.incomplete and rows_shown(found) > 0.9


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("what", ROWS)
def test_avif_and_heic_end_somewhere(what: str, share: float) -> None:
    data = ROWS[what]
    found = decode(data[: int(len(data) * share)])
    assert found.incomplete or "animated" in what  # of which the first picture is shown
    assert rows_shown(found) >= 0.75 * share - 0.06


@pytest.mark.parametrize("what", [*RESOLUTIONS, *ROWS, "tiles"])
def test_a_file_may_lack_any_of_its_last_bytes(what: str) -> None:
    data = {**RESOLUTIONS, **ROWS, "tiles": TILES}[what]
    for lacking in range(1, 33):
        found = decode(data[:-lacking])
        assert found.incomplete or "animated" in what
        assert rows_shown(found) > 0.75


def test_tiles_that_are_there_are_shown() -> None:
    found = decode(TILES[: int(len(TILES) * 0.55)])
    assert found.incomplete and rows_shown(found) >= 0.45


@pytest.mark.parametrize("what", [*RESOLUTIONS, *ROWS])
def test_what_has_nothing_to_decode_says_so(what: str) -> None:
    data = (RESOLUTIONS | ROWS)[what]
    for length in (12, 30, 60):
        with pytest.raises(PictureError) as error:
            decode(data[:length])
        assert what in RESOLUTIONS or str(error.value) == CUT_OFF


@pytest.mark.parametrize("what", ROWS)
def test_what_is_made_up_is_no_picture(what: str) -> None:
    data = ROWS[what]
    start = data.find(b"mdat") + 4
    with pytest.raises(PictureError):
        decode(data[: start + (len(data) - start) // 100])


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg"])
@pytest.mark.parametrize("share", SHARES)
def test_a_tiff_without_its_directory_says_so(compression: str, share: float) -> None:
    data = saved("TIFF", compression=compression)  # by libtiff, which writes it last
    with pytest.raises(PictureError, match=CUT_OFF):
        decode(data[: int(len(data) * share)])


@settings(max_examples=100, deadline=None)
@given(what=st.sampled_from(sorted(RESOLUTIONS | ROWS)), share=st.floats(0, 1))
def test_any_cut_is_a_picture_or_a_reason(what: str, share: float) -> None:
    data = (RESOLUTIONS | ROWS)[what]
    try:
        assert decode(data[: int(len(data) * share)]).pixels.shape == (64, 64, 3)
    except PictureError as error:
        assert "\n" not in str(error)
