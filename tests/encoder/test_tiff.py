"""TIFFs of many kinds are shown as they were made; and as ImageMagick shows them."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from csearchd.encoder.decode import Decoder
from csearchd.encoder.decoding import tiff_variants
from csearchd.encoder.messages import Limits
from csearchd.errors import PictureError
from csearchd.models.preprocess import Preprocess
from encoder.tiff_files import Kind, of_pictures, tiff
from support import image_magick
from support.photos import photo

LIMITS = Limits(pixels=50_000_000, bytes=1 << 30, memory=1 << 30)
PREPROCESS = Preprocess(32, 32, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0)
DECODER = Decoder(PREPROCESS, LIMITS)
PHOTO = photo("coffee").resize((61, 37))
COLOURS = np.asarray(PHOTO) / 255.0
GREY = np.asarray(PHOTO.convert("L"))[..., None] / 255.0

NUMBERS = (
    [(bits, 1) for bits in (8, 10, 12, 14, 16, 32)]
    + [(8, 2), (16, 2)] + [(16, 3), (32, 3), (64, 3)]
)  # fmt: skip
KINDS = [
    Kind(order, big, bits, format, planar, tiled, deflated, predictor)
    for (bits, format), order, big in itertools.product(NUMBERS, "<>", (False, True))
    for planar, tiled, deflated, predictor in (
        (False, False, False, 1), (True, False, True, 1), (False, True, True, 1),
        (False, False, True, 2), (False, True, True, 3),
    )
    if predictor == 1 or (predictor == 2 and format != 3 and bits in (8, 16, 32))
    or (predictor == 3 and format == 3)
]  # fmt: skip


def decode(data: bytes) -> np.ndarray:
    info = DECODER.inspect(data, b"x.tif")
    assert (info.width, info.height) == PHOTO.size
    return DECODER.decode(data, info).pixels


def difference(data: bytes, wanted: Image.Image) -> float:
    return float(np.abs(decode(data).astype(int) - PREPROCESS.fit(wanted.convert("RGB"))).mean())


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_colours(kind: Kind) -> None:
    data = tiff(COLOURS, kind, 2)
    assert difference(data, PHOTO) <= 1.5
    assert DECODER.inspect(data, b"x.tif").metadata["make"] == "Maker"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.planar], ids=str)
def test_grey(kind: Kind) -> None:
    assert difference(tiff(GREY, kind, 1), PHOTO.convert("L")) <= 1.5
    if kind.format == 1 and kind.bits in (8, 12, 16):
        assert difference(tiff(1 - GREY, kind, 0), PHOTO.convert("L")) <= 1.5


@pytest.mark.parametrize("bits", [8, 16])
def test_signed_numbers_without_negative_ones_begin_with_black(bits: int) -> None:
    half = GREY / 2 + 0.5  # as programs write 0 to the highest
    assert difference(tiff(half, Kind(bits=bits, format=2), 1), PHOTO.convert("L")) <= 4


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize(("format", "code"), [("WEBP", 50001), ("JXL", 50002), ("JXL", 52546)])
def test_strips_and_tiles_that_are_pictures(format: str, code: int, tiled: bool) -> None:
    assert difference(of_pictures(PHOTO, tiled, format, code), PHOTO) <= 1


OPTIONS = [
    ("-compress", name)
    for name in ("None", "LZW", "Zip", "RLE", "JPEG", "WebP", "ZSTD", "LZMA")
] + [
    ("-monochrome", "-compress", "Fax"), ("-monochrome", "-compress", "Group4"),
    ("-monochrome", "-define", "tiff:fill-order=lsb", "-compress", "Group4"),
    ("-monochrome", "-define", "tiff:fill-order=lsb", "-compress", "Fax"),
    ("-define", "tiff:tile-geometry=16x16", "-compress", "LZW"), ("-depth", "16"),
    ("-depth", "12"), ("-colorspace", "gray", "-depth", "4"), ("-colorspace", "cmyk"),
    ("-colorspace", "lab"), ("-interlace", "plane"), ("-colors", "4", "-type", "palette"),
    ("-depth", "32", "-define", "quantum:format=floating-point"),
    ("-depth", "16", "-define", "quantum:format=floating-point"),
    ("-define", "tiff:endian=msb", "-depth", "16"), ("-alpha", "set"),
]  # fmt: skip


@pytest.mark.parametrize("container", ["tiff", "tiff64"])
@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_what_image_magick_writes(options: tuple[str, ...], container: str) -> None:
    data = image_magick.written(PHOTO, container, *options)
    theirs = image_magick.shown(data, container)
    assert theirs is not None
    assert difference(data, Image.fromarray(theirs)) <= 2


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 3000), st.binary(max_size=6), st.booleans())
def test_damaged_files_end_in_a_picture_or_a_reason(
    kind: Kind, place: int, junk: bytes, cut: bool
) -> None:
    data = tiff(COLOURS, kind, 2)
    place = len(data) - 1 - place % len(data)
    data = data[:place] if cut else data[:place] + junk + data[place + len(junk) :]
    try:
        DECODER.decode(data, DECODER.inspect(data, b"x.tif"))
    except PictureError:
        pass


@pytest.mark.parametrize("pixels", [np.int16, np.float32])
def test_numbers_of_other_kinds_are_decoded_when_wanted_and_as_far_as_they_go(
    pixels: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey = np.asarray(photo("coffee").convert("L").resize((200, 160)))
    rows = (grey / 255 if pixels is np.float32 else grey.astype(int) * 100 - 9000).astype(pixels)
    kind, bits = (3, 32) if pixels is np.float32 else (2, 16)
    values = {256: 200, 257: 160, 258: bits, 259: 1, 262: 1, 277: 1, 278: 160, 339: kind}
    coded = rows.astype(rows.dtype.newbyteorder(">")).tobytes()
    start = 8 + 2 + 12 * (len(values) + 2) + 4
    tags = sorted({**values, 273: start, 279: len(coded)}.items())
    entries = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags)
    data = b"MM\0*\0\0\0\x08" + struct.pack(">H", len(tags)) + entries + b"\0" * 4 + coded
    whole = DECODER.decode(data, DECODER.inspect(data, b"x.tif"))
    half = data[: len(data) - len(coded) // 2]
    part = DECODER.decode(half, DECODER.inspect(half, b"x.tif"))
    assert (whole.incomplete, part.incomplete) == (False, True)
    shown = [one.pixels[: one.pixels.shape[0] * 2 // 5].astype(int) for one in (whole, part)]
    assert np.abs(shown[0] - shown[1]).mean() < 20

    def refused(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(tiff_variants, "_plane", refused)
    assert DECODER.inspect(data, b"x.tif").memory >= rows.size * 4
