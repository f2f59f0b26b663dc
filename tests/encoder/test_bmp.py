"""BMPs of every kind are shown as they were made; and as ImageMagick shows them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csearchd.encoder.decode import Decoder
from csearchd.encoder.decoding.bmp import read_bmp
from csearchd.encoder.decoding.loading import load_image
from csearchd.encoder.messages import Limits
from csearchd.encoder.opening import register_formats
from csearchd.errors import MalformedError, PictureError
from csearchd.models.preprocess import Preprocess
from encoder.bmp_files import Pixels, variants
from support import image_magick
from support.photos import photo

LIMITS = Limits(pixels=50_000_000, bytes=1 << 30, memory=1 << 30)
DECODER = Decoder(Preprocess(32, 32, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0), LIMITS)
FORMATS = register_formats(LIMITS.pixels)
RGB: Pixels = np.array(photo("coffee").resize((61, 37)))
FILES = variants(RGB)

# By ImageMagick 6.9: colours of OS/2's version 2, masks in the header of 52 bytes, few bits.
MISREAD = ("header 64", "header 52", "444", "332")


def shown(data: bytes) -> Pixels:
    image = load_image(data, FORMATS, LIMITS, lambda image: None).image
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("what", FILES)
def test_every_kind(what: str) -> None:
    data, pixels = FILES[what]
    found = shown(data)
    assert found.shape == pixels.shape
    assert np.abs(found.astype(int) - pixels).max() <= 8  # 5 bits may be widened otherwise
    assert np.abs(found.astype(int) - pixels).mean() <= 2


def test_image_magick_shows_the_same() -> None:
    compared = 0
    for what, (data, _) in FILES.items():
        theirs = image_magick.shown(data, "dib" if "DIB" in what else "bmp")
        if theirs is not None and not any(part in what for part in MISREAD):
            compared += 1
            assert np.abs(theirs.astype(int) - shown(data)).mean() <= 3, what
    assert compared >= 50


def test_alpha_counts_where_there_is_some() -> None:
    head = FILES["fields 888, header 124"][0]
    masks = bytearray(head)
    masks[66:70] = b"\0\0\0\xff"
    assert np.abs(shown(bytes(masks)).astype(int) - RGB).max() == 0  # all 0: opaque


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.integers(0, 200), st.binary(max_size=9), st.floats(0, 1))
def test_damaged_files_end_in_a_picture_or_a_reason(
    what: str, place: int, junk: bytes, share: float
) -> None:
    data, _ = FILES[what]
    data = data[:place] + junk + data[place + len(junk) :]
    for damaged in (data, data[: int(len(data) * share)]):
        try:
            read_bmp(damaged, Limits(pixels=1_000_000, bytes=1 << 20, memory=1 << 28))
        except (MalformedError, PictureError):
            pass
        try:
            DECODER.decode(damaged, DECODER.inspect(damaged, b"x.bmp"))
        except PictureError:
            pass
