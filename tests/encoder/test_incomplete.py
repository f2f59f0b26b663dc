"""Pictures that break off or are damaged are decoded as far as they go, and marked incomplete."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from csearchd.encoder.decode import Decoded, Decoder
from csearchd.encoder.messages import Limits
from csearchd.errors import PictureError
from csearchd.formats.png import SIGNATURE
from csearchd.models.preprocess import Preprocess
from support.photos import photo
from support.raw import dng

LIMITS = Limits(pixels=50_000_000, bytes=1 << 30, memory=1 << 30)
PREPROCESS = Preprocess(64, 64, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0)
DECODER = Decoder(PREPROCESS, LIMITS)
PHOTO = photo("astronaut").resize((256, 256))
SHOWN = PREPROCESS.fit(PHOTO)
CLOSE = 20  # mean difference of a row, of 255


def decode(data: bytes, name: bytes = b"x") -> Decoded:
    return DECODER.decode(data, DECODER.inspect(data, name))


def saved(format: str, image: Image.Image = PHOTO, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def rows_shown(found: Decoded) -> float:
    """The share of rows that are as in the whole picture."""
    off = np.abs(found.pixels.astype(int) - SHOWN.astype(int)).mean(axis=(1, 2))
    return float((off < CLOSE).mean())


def alpha() -> Image.Image:
    image = PHOTO.convert("RGBA")
    image.putalpha(255)
    image.putpixel((0, 0), (0, 0, 0, 0))
    return image


def frames() -> dict[str, Any]:
    return {"save_all": True, "append_images": [Image.new("RGB", PHOTO.size, "red")]}


WHOLE: dict[str, bytes] = {
    "JPEG": saved("JPEG", quality=90),
    "JPEG with restarts": saved("JPEG", quality=90, restart_marker_rows=1),
    "JPEG, 4:4:4": saved("JPEG", subsampling=0),
    "progressive JPEG": saved("JPEG", quality=90, progressive=True),
    "grey JPEG": saved("JPEG", PHOTO.convert("L")),
    "CMYK JPEG": saved("JPEG", PHOTO.convert("CMYK")),
    "JPEG of two pictures": saved("MPO", **frames()),
    "PNG": saved("PNG"),
    "PNG with alpha": saved("PNG", alpha()),
    "palette PNG": saved("PNG", PHOTO.quantize(64)),
    "PNG of 16 bits": saved("PNG", Image.fromarray(np.array(PHOTO.convert("L"), np.uint16) * 257)),
    "animated PNG": saved("PNG", **frames()),
    "GIF": saved("GIF", interlace=0),
    "interlaced GIF": saved("GIF", interlace=1),
    "animated GIF": saved("GIF", **frames()),
    "WebP": saved("WEBP", quality=90),
    "lossless WebP": saved("WEBP", lossless=True),
    "WebP with alpha": saved("WEBP", alpha(), quality=90),
    "WebP with metadata": saved("WEBP", quality=90, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"),
    "animated WebP": saved("WEBP", quality=90, **frames()),
    "TIFF": saved("TIFF"),
    "BMP": saved("BMP"),
    "PNM": saved("PPM"),
}
# How much of a file must be there for a share of the rows: nearly as much, since metadata, alpha
# and further pictures count, and a decoder may need a little more than it shows.
GENERATED = ("grey JPEG", "PNG of 16 bits")  # of grey


@pytest.mark.parametrize("what", WHOLE)
def test_whole_files_are_not_incomplete(what: str) -> None:
    found = decode(WHOLE[what])
    assert not found.incomplete
    if what not in GENERATED:
        assert rows_shown(found) > 0.97
    assert not decode(WHOLE[what] + b"\0\0").incomplete  # left over behind it


@pytest.mark.parametrize("lacking", [1, 2, 5, 12])
@pytest.mark.parametrize("what", WHOLE)
def test_a_file_without_its_last_bytes_is_shown(what: str, lacking: int) -> None:
    found = decode(WHOLE[what][:-lacking])
    if what not in GENERATED:
        assert rows_shown(found) > 0.95
    # Of several pictures, only the first is shown, and a GIF may end before its trailer.
    assert found.incomplete or "of two" in what or "GIF" in what or "animated WebP" in what


@pytest.mark.parametrize("share", [0.9, 0.5, 0.2])
@pytest.mark.parametrize("what", [name for name in WHOLE if name not in GENERATED])
def test_as_much_is_shown_as_the_file_has(what: str, share: float) -> None:
    found = decode(WHOLE[what][: int(len(WHOLE[what]) * share)])
    assert found.incomplete or "of two" in what or "animated" in what
    most = 0.6 if "alpha" in what else 0.75  # of what the share lets expect
    if "BMP" not in what:
        assert rows_shown(found) >= share * most - 0.06
    assert found.pixels[:8].std() > 3 or "BMP" in what  # which begins at the bottom


@pytest.mark.parametrize("what", [name for name in WHOLE if "TIFF" not in name])
def test_what_has_nothing_to_decode_fails(what: str) -> None:
    for length in (3, 12, 20):
        with pytest.raises(PictureError) as error:
            decode(WHOLE[what][:length])
        assert "\n" not in str(error.value) and len(str(error.value)) < 300


@settings(max_examples=150, deadline=None)
@given(what=st.sampled_from(sorted(WHOLE)), share=st.floats(0, 1), name=st.just(b"x"))
def test_any_cut_is_a_picture_or_a_reason(what: str, share: float, name: bytes) -> None:
    try:
        found = decode(WHOLE[what][: int(len(WHOLE[what]) * share)], name)
        assert found.pixels.shape == (64, 64, 3)
    except PictureError as error:
        assert "\n" not in str(error)


def chunk(kind: bytes, content: bytes, wrong: int = 0) -> bytes:
    checksum = zlib.crc32(kind + content) ^ wrong
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


SIDE_CHUNKS = {
    "short sRGB": chunk(b"sRGB", b""),
    "short gAMA": chunk(b"gAMA", b"\0\0"),
    "short cHRM": chunk(b"cHRM", b"\0" * 7),
    "short pHYs": chunk(b"pHYs", b"\0"),
    "empty iCCP": chunk(b"iCCP", b""),
    "broken iCCP": chunk(b"iCCP", b"profile\0\0rubbish"),
    "unknown method of iCCP": chunk(b"iCCP", b"profile\0\7rubbish"),
    "short acTL": chunk(b"acTL", b"\0"),
    "short fcTL": chunk(b"fcTL", b"\0"),
    "broken zTXt": chunk(b"zTXt", b"Comment\0\0rubbish"),
    "broken iTXt": chunk(b"iTXt", b"Comment\0\1\0\0\0rubbish"),
    "broken eXIf": chunk(b"eXIf", b"rubbish"),
    "wrong checksum of tEXt": chunk(b"tEXt", b"Comment\0x", 1),
    "wrong checksum of gAMA": chunk(b"gAMA", b"\0\0\xb1\x8f", 1),
    "wrong checksum of tIME": chunk(b"tIME", b"\7\xe7\5\x0e\0\0\0", 1),
    "a name that isn't one": chunk(b"\0\1\2\3", b"x"),
    "an unknown critical chunk": chunk(b"ABCD", b"x"),
}
IHDR_END, IEND = len(SIGNATURE) + 25, 12


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("what", SIDE_CHUNKS)
def test_a_damaged_chunk_beside_the_picture_hides_nothing(what: str, before: bool) -> None:
    data = WHOLE["PNG"]
    at = IHDR_END if before else len(data) - IEND
    found = decode(data[:at] + SIDE_CHUNKS[what] + data[at:])
    assert not found.incomplete and rows_shown(found) > 0.97


def test_a_png_keeps_its_orientation_where_it_breaks_off() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved("PNG", exif=exif.tobytes())
    assert DECODER.inspect(data[: int(len(data) * 0.7)], b"x").orientation == 6


@pytest.mark.parametrize("quality", [75, 95])
@pytest.mark.parametrize("seed", range(12))
def test_a_jpeg_with_a_few_bad_bytes_is_shown(seed: int, quality: int) -> None:
    data = bytearray(saved("JPEG", quality=quality, progressive=bool(seed % 3 == 0)))
    rng = np.random.default_rng(seed)
    start = data.rindex(b"\xff\xda") if seed % 3 else data.index(b"\xff\xda")
    for place in rng.integers(start + 30 + len(data) // 2, len(data) - 30, 3):
        data[place : place + 2] = bytes((0xFF, int(rng.integers(1, 255))))
    assert decode(bytes(data)).pixels[:16].std() > 10


@pytest.mark.parametrize("marker", [0xE1, 0xE2, 0xED, 0xFE])
def test_a_jpeg_with_damaged_metadata_is_shown(marker: int) -> None:
    data = WHOLE["JPEG"]
    for content in (b"Exif\0\0MM\0*\xff\xff\xff\xff", b"ICC_PROFILE\0\1\2x", b"MPF\0II*\0", b""):
        segment = bytes((0xFF, marker)) + struct.pack(">H", 2 + len(content)) + content
        found = decode(data[:2] + segment + data[2:])
        assert not found.incomplete and rows_shown(found) > 0.97


def without_preview(data: bytes) -> bytes:
    start = data.index(b"\xff\xd8\xff")
    end = data.index(b"\xff\xd9", start)
    return data[:start] + bytes(end - start) + data[end:]


def test_camera_raw_that_is_black_fails() -> None:
    black = without_preview(dng(PHOTO)).replace(struct.pack("<H", 4000), b"\0\0")
    with pytest.raises(PictureError, match="truncated or damaged"):
        decode(black, b"x.dng")
    assert decode(without_preview(dng(PHOTO)), b"x.dng").pixels.any()


def test_camera_raw_is_shown_by_what_there_is() -> None:
    whole = dng(PHOTO)
    assert not decode(whole, b"x.dng").incomplete
    without_sensor_data = decode(whole[: len(whole) - 96 * 128 * 2], b"x.dng")
    assert not without_sensor_data.incomplete and rows_shown(without_sensor_data) > 0.97
    half_a_preview = decode(whole[: whole.index(b"\xff\xd9") * 2 // 3], b"x.dng")
    assert half_a_preview.incomplete and rows_shown(half_a_preview) > 0.3


def test_camera_raw_is_shown_by_a_small_preview_where_there_is_nothing_else() -> None:
    whole = dng(PHOTO.resize((40, 40)))
    found = decode(whole[: len(whole) - 5000], b"x.dng")
    assert found.incomplete and rows_shown(found) > 0.5


def test_a_tiff_without_its_strips_fails() -> None:
    with pytest.raises(PictureError):
        decode(WHOLE["TIFF"][:140])


@pytest.mark.parametrize("share", [0.9, 0.5, 0.2])
def test_camera_raw_without_its_data_fails(share: float) -> None:
    with pytest.raises(PictureError):
        decode(without_preview(dng(PHOTO))[: int(len(dng(PHOTO)) * share)], b"x.dng")
