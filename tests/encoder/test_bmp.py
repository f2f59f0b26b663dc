"""BMPs of every kind are shown as they were made; and as ImageMagick shows them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csearchd.encoder.decode import Decoded, Decoder
from csearchd.encoder.decoding import bmp
from csearchd.encoder.decoding.bmp import read_bmp
from csearchd.encoder.decoding.loading import load_image
from csearchd.encoder.messages import Limits
from csearchd.encoder.opening import register_formats
from csearchd.errors import MalformedError, PictureError
from csearchd.models.preprocess import Preprocess
from encoder.bmp_files import Pixels, file, header, palette, variants
from support import image_magick
from support.photos import photo

LIMITS = Limits(pixels=50_000_000, bytes=1 << 30, memory=1 << 30)
DECODER = Decoder(Preprocess(32, 32, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0), LIMITS)
FORMATS = register_formats(LIMITS.pixels)
RGB: Pixels = np.array(photo("coffee").resize((61, 37)))
FILES = variants(RGB)

# By ImageMagick 6.9: colours of OS/2's version 2, masks in the header of 52 bytes, few bits.
MISREAD = ("header 64", "RLE24", "header 52", "444", "332")


def shown(data: bytes) -> Pixels:
    image = load_image(data, FORMATS, LIMITS, lambda image: None).image
    return np.asarray(image.convert("RGB"))


def decoded(data: bytes) -> Decoded:
    return DECODER.decode(data, DECODER.inspect(data, b"x.bmp"))


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


@pytest.mark.parametrize("what", FILES)
def test_files_that_break_off(what: str) -> None:
    data, _ = FILES[what]
    start = 0 if "DIB" in what else int.from_bytes(data[10:14], "little")
    assert not decoded(data).incomplete
    for rest in (len(data) // 2, len(data) - 70):
        assert decoded(data[:rest]).incomplete
    for rest in {start, start - 1, 60} - {0, -1}:
        if rest <= start:
            with pytest.raises(PictureError):
                decoded(data[:rest])


def test_a_last_row_without_padding_is_whole() -> None:
    for what in ("24 bits, header 40", "fields 565", "4 bits, header 40"):
        data, pixels = FILES[what]
        used = len(data) - int.from_bytes(data[10:14], "little")
        row = used // len(pixels)
        bits = int.from_bytes(data[28:30], "little")
        padding = row - (RGB.shape[1] * bits + 7) // 8
        assert padding
        assert not read_bmp(data[:-padding], LIMITS)[1]
        assert read_bmp(data[: -padding - 1], LIMITS)[1]


def test_run_lengths_that_end_early_by_their_own_mark_are_whole() -> None:
    for bits, coding in ((8, 1), (4, 2)):
        head = header(40, (20, 20), bits, coding)
        colours = palette(np.full((1 << bits, 3), 200, np.uint8))
        assert not decoded(file(head, colours, b"\x14\x11\0\0\0\1")).incomplete
        assert decoded(file(head, colours, b"\x14\x11\0\0")).incomplete
        assert not decoded(file(head, colours, b"\x14\x11\0\0" * 20)).incomplete
        assert not decoded(file(head, colours, (b"\x14\x11\0\0" * 20)[:-2])).incomplete


def test_nothing_is_decoded_before_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("decoded")

    for name in ("_run_lengths", "_plain_rows"):
        monkeypatch.setattr(bmp, name, refused)
    for what, (data, pixels) in FILES.items():
        info = DECODER.inspect(data, b"x.bmp")
        assert (info.height, info.width) == pixels.shape[:2], what
        assert info.format == "BMP"
        assert info.memory >= pixels.size


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
