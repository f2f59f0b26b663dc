"""The identity of a picture: kept by edits of its metadata, changed by what changes its pixels."""

from __future__ import annotations

import io
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from csearchd.encoder.decode import Decoder, PictureInfo
from csearchd.encoder.messages import Limits
from csearchd.formats.identity import SIZE, identity
from csearchd.models.preprocess import Preprocess

LIMITS = Limits(pixels=10_000_000, bytes=1 << 30, memory=1 << 30)
DECODER = Decoder(Preprocess(64, 64, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0), LIMITS)
EXIFTOOL = shutil.which("exiftool")
EXIV2 = shutil.which("exiv2")
PICTURE = Image.fromarray(
    np.random.default_rng(1).integers(0, 256, (24, 32, 3), np.uint8).repeat(4, 0).repeat(4, 1)
)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
FORMATS = {
    "jpeg": ("JPEG", {"quality": 90}),
    "jpeg-progressive": ("JPEG", {"progressive": True, "icc_profile": SRGB}),
    "jpeg-restart": ("JPEG", {"restart_marker_blocks": 3, "subsampling": 0}),
    "png": ("PNG", {}),
    "png-icc": ("PNG", {"icc_profile": SRGB}),
    "webp": ("WEBP", {"quality": 80}),
    "webp-lossless": ("WEBP", {"lossless": True, "icc_profile": SRGB}),
    "webp-animated": ("WEBP", {"save_all": True, "append_images": [PICTURE.rotate(180)]}),
    "tiff": ("TIFF", {}),
    "tiff-lzw": ("TIFF", {"compression": "tiff_lzw", "icc_profile": SRGB}),
    "tiff-jpeg": ("TIFF", {"compression": "jpeg"}),
}
EDITS = {
    "keywords": ["-IPTC:Keywords=beach", "-XMP-dc:Subject=beach", "-XMP-dc:Subject=dog"],
    "title": ["-XMP-dc:Title=A dog", "-EXIF:ImageDescription=A dog on the beach"],
    "rating": ["-XMP-xmp:Rating=4", "-Rating=4"],
    "place": ["-GPSLatitude=48.2", "-GPSLatitudeRef=N", "-GPSLongitude=16.4", "-GPSLongitudeRef=E"],
    "comment": ["-Comment=hello", "-UserComment=hello", "-XPComment=hello"],
    "date": ["-AllDates=2024:01:02 03:04:05", "-Artist=Somebody", "-XResolution=300"],
}


def inspect(path: Path) -> PictureInfo:
    return DECODER.inspect(path.read_bytes(), bytes(path))


def save(directory: Path, kind: str, image: Image.Image = PICTURE, **more: object) -> Path:
    format, options = FORMATS[kind]
    path = directory / f"{kind}.{format.lower()}"
    image.save(path, format, **{**options, **more})
    return path


def exiftool(path: Path, *arguments: str) -> None:
    if EXIFTOOL is None:
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    before = path.read_bytes()
    subprocess.run(
        [EXIFTOOL, "-q", "-m", "-overwrite_original", *arguments, path],
        check=True,
        capture_output=True,
    )
    assert path.read_bytes() != before


@pytest.mark.parametrize("kind", FORMATS)
def test_edits_by_exiftool_keep_the_identity(kind: str, tmp_path: Path) -> None:
    path = save(tmp_path, kind)
    before = inspect(path)
    for what, arguments in EDITS.items():
        if what == "comment" and kind.startswith(("webp", "tiff")):
            arguments = arguments[1:]  # these formats have no comment of their own
        if kind.startswith("webp"):
            arguments = [a for a in arguments if not a.startswith("-IPTC")]
        exiftool(path, *arguments)
        assert inspect(path).identity == before.identity, what
    exiftool(path, "-all=", "--icc_profile:all")
    assert inspect(path).identity == before.identity, "all removed"


@pytest.mark.parametrize("kind", FORMATS)
def test_edits_by_exiv2_keep_the_identity(kind: str, tmp_path: Path) -> None:
    if EXIV2 is None:
        pytest.skip("exiv2 is not installed")
    path = save(tmp_path, kind)
    before, content = inspect(path), path.read_bytes()
    for command in (
        "set Xmp.dc.subject beach",
        "set Xmp.xmp.Rating 4",
        "set Exif.Image.ImageDescription A dog",
        "set Exif.GPSInfo.GPSLatitudeRef N",
    ):
        subprocess.run([EXIV2, "-M", command, path], check=True, capture_output=True)
        assert inspect(path).identity == before.identity, command
    assert path.read_bytes() != content


@pytest.mark.parametrize("kind", FORMATS)
def test_orientation_changes_the_identity(kind: str, tmp_path: Path) -> None:
    path = save(tmp_path, kind)
    before = inspect(path)
    exiftool(path, "-n", "-Orientation=6")
    turned = inspect(path)
    assert turned.identity != before.identity
    assert (turned.width, turned.height) == (before.height, before.width)
    exiftool(path, "-n", "-Orientation=1")
    assert inspect(path).identity == before.identity


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_orientation_in_xmp_counts_where_exif_has_none(kind: str, tmp_path: Path) -> None:
    path = save(tmp_path, kind)
    before = inspect(path)
    exiftool(path, "-n", "-XMP-tiff:Orientation=8")
    assert inspect(path).identity != before.identity
    assert inspect(path).orientation == 8


@pytest.mark.parametrize("kind", FORMATS)
def test_a_changed_pixel_changes_the_identity(kind: str, tmp_path: Path) -> None:
    before = inspect(save(tmp_path, kind))
    changed = PICTURE.copy()
    changed.paste((255, 0, 0), (8, 8, 24, 24))
    assert inspect(save(tmp_path, kind, changed)).identity != before.identity


@pytest.mark.parametrize("kind", FORMATS)
def test_a_changed_profile_changes_the_identity(kind: str, tmp_path: Path) -> None:
    before = inspect(save(tmp_path, kind))
    other = bytearray(SRGB)
    other[-1] ^= 1
    after = inspect(save(tmp_path, kind, icc_profile=bytes(other)))
    assert after.identity != before.identity


def test_the_colour_transform_of_a_jpeg_counts() -> None:
    stream = io.BytesIO()
    PICTURE.save(stream, "JPEG")
    data = stream.getvalue()
    jfif_end = 4 + int.from_bytes(data[4:6], "big")
    rest = data[jfif_end:]
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0"
    plain = identity(data, "JPEG", 1)
    for head in (b"", adobe + b"\0", adobe + b"\1", data[2:jfif_end] + adobe + b"\0"):
        other = data[:2] + head + rest
        same = Image.open(io.BytesIO(other)).tobytes() == Image.open(io.BytesIO(data)).tobytes()
        assert (identity(other, "JPEG", 1) == plain) == same, head
        assert same == (head != adobe + b"\0")


def test_what_follows_the_first_picture_does_not_count() -> None:
    stream = io.BytesIO()
    PICTURE.save(stream, "JPEG")
    data = stream.getvalue()
    assert identity(data, "JPEG", 1) == identity(data + b"film" * 1000, "JPEG", 1)


def test_files_that_do_not_parse_are_told_apart_by_every_byte() -> None:
    for format, head in {
        "JPEG": b"\xff\xd8\xff\xda\0\2",
        "PNG": b"\x89PNG\r\n\x1a\n",
        "WEBP": b"RIFF\xff\0\0\0WEBP",
        "TIFF": b"II*\0\xff\0\0\0",
        "GIF": b"GIF89a",
    }.items():
        assert identity(head + b"a", format, 1) != identity(head + b"b", format, 1)


def _samples() -> dict[str, bytes]:
    samples = {}
    for kind, (format, options) in FORMATS.items():
        stream = io.BytesIO()
        PICTURE.save(stream, format, **options)
        samples[kind] = stream.getvalue()
    return samples


SAMPLES = _samples()


@settings(max_examples=400, deadline=None)
@given(
    kind=st.sampled_from(sorted(FORMATS)),
    cut=st.integers(0, 40_000),
    edits=st.lists(
        st.tuples(st.integers(0, 40_000), st.binary(min_size=1, max_size=8)), max_size=6
    ),
)
def test_rubbish_has_an_identity_too(kind: str, cut: int, edits: list[tuple[int, bytes]]) -> None:
    data = bytearray(SAMPLES[kind])
    for at, new in edits:
        at %= len(data)
        data[at : at + len(new)] = new
    if cut % 3 == 0:
        del data[cut % len(data) :]
    found = identity(bytes(data), FORMATS[kind][0], 1)
    assert len(found) == SIZE
    assert found == identity(bytes(data), FORMATS[kind][0], 1)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200), format=st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", None]))
def test_noise_has_an_identity_too(data: bytes, format: str | None) -> None:
    heads = {"JPEG": b"\xff\xd8", "PNG": b"\x89PNG\r\n\x1a\n", "TIFF": b"II*\0\x08\0\0\0"}
    assert len(identity(heads.get(format or "", b"") + data, format, 1)) == SIZE


def test_overlapping_strips_cost_no_time() -> None:
    entries = [(256, 3, 1, 1), (257, 3, 1, 1), (273, 4, 65536, 200), (279, 4, 65536, 200)]
    directory = len(entries).to_bytes(2, "little") + b"".join(
        tag.to_bytes(2, "little")
        + kind.to_bytes(2, "little")
        + number.to_bytes(4, "little")
        + value.to_bytes(4, "little")
        for tag, kind, number, value in entries
    )
    data = b"II*\0\x08\0\0\0" + directory
    data = data.ljust(200, b"\0") + (1 << 18).to_bytes(4, "little") * 100_000
    begin = time.perf_counter()
    assert len(identity(data, "TIFF", 1)) == SIZE
    assert time.perf_counter() - begin < 1


def test_a_large_jpeg_is_fast() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1000, 1400, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "JPEG", quality=95)
    data = stream.getvalue()
    best = min(_seconds(data) for _ in range(5))
    assert best < 0.02 * len(data) / 3e6, f"{best * 1e3:.1f} ms for {len(data) / 1e6:.1f} MB"


def _seconds(data: bytes) -> float:
    begin = time.perf_counter()
    identity(data, "JPEG", 1)
    return time.perf_counter() - begin
