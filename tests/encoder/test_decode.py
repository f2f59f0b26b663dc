"""Pictures of every format and mode become the pixels that the tower wants."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, PngImagePlugin
from skimage import data as photos

from csearchd.encoder.decode import RAW, Decoder
from csearchd.encoder.messages import Limits
from csearchd.errors import PictureError
from csearchd.models.preprocess import Preprocess
from support.raw import dng

LIMITS = Limits(pixels=50_000_000, bytes=1 << 30, memory=1 << 30)
PREPROCESS = Preprocess(64, 64, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0)
DECODER = Decoder(PREPROCESS, LIMITS)
PHOTO = Image.fromarray(photos.astronaut()).resize((160, 120), box=(0, 0, 512, 384))
RAMP = np.linspace(0, 1, 100 * 80, dtype=np.float64).reshape(80, 100)


def decode(data: bytes, name: str = "x.jpg", decoder: Decoder = DECODER) -> NDArray[np.uint8]:
    return decoder.decode(data, decoder.inspect(data, name.encode())).pixels


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def wanted(image: Image.Image) -> NDArray[np.uint8]:
    return PREPROCESS.fit(image.convert("RGB"))


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """The mean difference of two pictures, of 255."""
    assert a.shape == b.shape and a.dtype == b.dtype == np.uint8
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


FORMATS: dict[str, tuple[str, dict[str, Any], float]] = {
    "JPEG": ("JPEG", {"quality": 95}, 2),
    "progressive JPEG": ("JPEG", {"quality": 95, "progressive": True}, 2),
    "PNG": ("PNG", {}, 0),
    "WebP": ("WEBP", {"quality": 95}, 3),
    "lossless WebP": ("WEBP", {"lossless": True}, 0),
    "GIF": ("GIF", {}, 12),
    "TIFF": ("TIFF", {"compression": "tiff_lzw"}, 0),
    "BMP": ("BMP", {}, 0),
    "JPEG 2000": ("JPEG2000", {}, 0),
    "J2K": ("JPEG2000", {"no_jp2": True}, 0),
    "PNM": ("PPM", {}, 0),
    "AVIF": ("AVIF", {"quality": 95}, 3),
    "HEIF": ("HEIF", {"quality": 95}, 4),
}


@pytest.mark.parametrize("what", FORMATS)
def test_every_format_whatever_its_name(what: str) -> None:
    format, options, tolerance = FORMATS[what]
    data = saved(PHOTO, format, **options)
    info = DECODER.inspect(data, b"picture.png")
    assert (info.format, info.width, info.height) == (format, 160, 120)
    assert difference(decode(data), wanted(PHOTO)) <= tolerance


@pytest.mark.parametrize("what", ["JPEG", "PNG", "WebP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(what: str, orientation: int) -> None:
    format, options, _ = FORMATS[what]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(PHOTO, format, **options, exif=exif.tobytes())  # HEIF: as its own property too
    upright = ImageOps.exif_transpose(_with_orientation(PHOTO, orientation))
    info = DECODER.inspect(data, b"x")
    assert (info.width, info.height) == upright.size
    assert difference(decode(data), wanted(upright)) <= 4


def _with_orientation(image: Image.Image, orientation: int) -> Image.Image:
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(stream, "PNG", exif=exif)
    return Image.open(stream)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF", "AVIF", "MPO"])
def test_the_first_frame_is_shown(format: str) -> None:
    others = [Image.new("RGB", PHOTO.size, "red"), Image.new("RGB", PHOTO.size, "blue")]
    data = saved(PHOTO, format, save_all=True, append_images=others)
    assert difference(decode(data), wanted(PHOTO)) <= 12


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "AVIF"])
def test_alpha_is_laid_on_white(format: str) -> None:
    image = PHOTO.convert("RGBA")
    image.paste((0, 0, 0, 0), (40, 0, 120, 120))
    found = decode(saved(image, format))
    assert found[:, 22:42].min() >= 250
    assert found[:, :8].max() < 250 or difference(found[:, :8], wanted(PHOTO)[:, :8]) < 8


def test_transparent_palette_and_colour_key() -> None:
    image = Image.new("P", (64, 64), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(0, (0, 0, 32, 64))
    opaque = decode(saved(image, "PNG"))
    assert opaque[32, 8].tolist() == [255, 0, 0] and opaque[32, 56].tolist() == [0, 0, 255]
    for format in ("PNG", "GIF"):
        shown = decode(saved(image, format, transparency=0))
        assert shown[32, 8].tolist() == [255, 255, 255]
        assert shown[32, 56].tolist() == [0, 0, 255]
    grey = decode(saved(Image.new("L", (64, 64), 7), "PNG", transparency=7))
    assert grey.min() == 255
    both = decode(saved(Image.new("LA", (64, 64), (0, 0)), "PNG"))
    assert both.min() == 255


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM", "JPEG2000"])
def test_sixteen_bit_grey_is_scaled(format: str) -> None:
    image = Image.fromarray((RAMP * 65535).astype(np.uint16))
    expected = wanted(Image.fromarray((RAMP * 255).round().astype(np.uint8)))
    assert difference(decode(saved(image, format)), expected) <= 1


@pytest.mark.parametrize(
    ("top", "dtype"), [(1, "f"), (255, "f"), (65535, "f"), (65535, "i"), (1e7, "i")]
)
def test_numbers_are_scaled(top: float, dtype: str) -> None:
    image = Image.fromarray((RAMP * top).astype(np.float32 if dtype == "f" else np.int32))
    expected = wanted(Image.fromarray((RAMP * 255).round().astype(np.uint8)))
    assert difference(decode(saved(image, "TIFF")), expected) <= 1


def test_rubbish_numbers_are_a_picture() -> None:
    values = np.array([[np.nan, np.inf], [-np.inf, 3.0]], np.float32).repeat(8, 0).repeat(8, 1)
    assert decode(saved(Image.fromarray(values), "TIFF")).shape == (64, 64, 3)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LAB"])
def test_other_modes(mode: str) -> None:
    if mode == "LAB":
        transform = ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
        )
        image = ImageCms.applyTransform(PHOTO, transform)
    else:
        image = PHOTO.convert(mode)
    expected = PHOTO.convert("L") if mode in ("1", "L") else PHOTO
    assert difference(decode(saved(image, "TIFF")), wanted(expected)) <= 12


def test_cmyk_jpeg_is_not_inverted() -> None:
    data = saved(PHOTO.convert("CMYK"), "JPEG", quality=95)
    assert difference(decode(data), wanted(PHOTO)) <= 3


def test_colour_profiles_are_honoured() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = _swapped_profile(srgb)
    plain = decode(saved(PHOTO, "PNG", icc_profile=srgb))
    assert difference(plain, wanted(PHOTO)) == 0
    red, green, blue = PHOTO.split()
    exchanged = wanted(Image.merge("RGB", (green, red, blue)))
    assert difference(decode(saved(PHOTO, "PNG", icc_profile=swapped)), exchanged) <= 6
    assert difference(decode(saved(PHOTO, "PNG", icc_profile=b"rubbish")), wanted(PHOTO)) == 0


def _swapped_profile(profile: bytes) -> bytes:
    """An sRGB profile whose red and green primaries are exchanged, and without its name."""
    count = int.from_bytes(profile[128:132], "big")
    data = bytearray(profile)
    at = {bytes(profile[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    data[at[b"rXYZ"] : at[b"rXYZ"] + 4], data[at[b"gXYZ"] : at[b"gXYZ"] + 4] = b"gXYZ", b"rXYZ"
    return bytes(data).replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (2, 3), (5000, 17)])
@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_extreme_shapes(size: tuple[int, int], format: str) -> None:
    found = decode(saved(Image.new("RGB", size, (10, 200, 30)), format))
    assert found.shape == (64, 64, 3)
    assert np.abs(found.astype(int) - (10, 200, 30)).max() <= 4


def test_large_pictures_are_reduced_without_visible_loss() -> None:
    large = Image.fromarray(photos.astronaut()).resize((2048, 1536))
    expected = wanted(large)
    for format in ("JPEG", "PNG"):
        assert difference(decode(saved(large, format, quality=95)), expected) <= 1.5


def _transform(config: Any) -> Any:
    from open_clip.transform import image_transform_v2

    return image_transform_v2(config, is_train=False)


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize(
    "shape", [(512, 512), (300, 451), (451, 300), (40, 30), (64, 200), (7, 90)]
)
def test_preprocessing_is_open_clips(mode: str, interpolation: str, shape: tuple[int, int]) -> None:
    from open_clip.transform import PreprocessCfg

    mean, std = (0.48, 0.45, 0.4), (0.26, 0.25, 0.27)
    transform = _transform(
        PreprocessCfg(
            size=96, mean=mean, std=std, interpolation=interpolation, resize_mode=mode, fill_color=9
        )
    )
    image = Image.fromarray(photos.astronaut()).resize(shape)
    ours = Preprocess(96, 96, mean, std, interpolation, mode, 9).fit(image)
    theirs = transform(image).numpy().transpose(1, 2, 0) * std + mean
    off = np.abs(ours / 255 - theirs) * 255
    assert off.max() <= 2.01 and off.mean() <= 0.3  # ties may be rounded otherwise


def test_text_and_postscript_are_no_pictures() -> None:
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
    for data in (b"hello, world\n" * 50, postscript, b"\0"):
        with pytest.raises(PictureError, match="no picture in a format that csearch reads"):
            decode(data)


@pytest.mark.parametrize(
    "what, shares",
    [
        ("TIFF", (0.001, 0.02, 0.5, 0.9)),  # its directory is at the end
        ("AVIF", (0.001, 0.02)),
        ("HEIF", (0.001, 0.02)),
    ],
)
def test_what_lacks_too_much_fails_with_a_reason(what: str, shares: Sequence[float]) -> None:
    format, options, _ = FORMATS[what]
    data = saved(Image.fromarray(photos.astronaut()), format, **options)
    for share in shares:
        with pytest.raises(PictureError) as error:
            decode(data[: max(3, int(len(data) * share))])
        assert "\n" not in str(error.value) and len(str(error.value)) < 300


@pytest.mark.parametrize("kind", ["text", "profile"])
def test_a_png_may_say_much(kind: str) -> None:
    """Programs that make pictures put down how, and edits their history."""
    much = np.random.default_rng(1).bytes(1 << 20).hex()
    texts = PngImagePlugin.PngInfo()
    if kind == "text":
        texts.add_text("workflow", much, zip=True)
        data = saved(PHOTO, "PNG", pnginfo=texts)
    else:
        data = saved(PHOTO, "PNG", icc_profile=much.encode())
    assert difference(decode(data), wanted(PHOTO)) == 0


def test_pixel_limit_is_checked_on_the_header() -> None:
    data = saved(Image.new("1", (10_000, 10_000)), "PNG")
    with pytest.raises(PictureError, match="10000×10000 pixels are more than the limit of 50 mill"):
        DECODER.inspect(data, b"x.png")


def test_huge_tiles_are_refused() -> None:
    tags = [(256, 3, 1, 16), (257, 3, 1, 16), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1)]
    tags += [(322, 4, 1, 60_000), (323, 4, 1, 60_000), (324, 4, 1, 8), (325, 4, 1, 20)]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *t) for t in tags)
    data = struct.pack("<2sHI", b"II", 42, 8) + directory + b"\0" * 64
    with pytest.raises(PictureError, match="tiles"):
        DECODER.inspect(data, b"x.tif")


def test_memory_limit() -> None:
    small = Decoder(PREPROCESS, Limits(pixels=50_000_000, bytes=1 << 30, memory=10 << 20))
    large = Image.new("RGB", (3000, 2000))
    with pytest.raises(PictureError, match=r"memory.*encode.max_memory"):
        decode(saved(large, "PNG"), decoder=small)
    assert decode(saved(large, "JPEG"), decoder=small).shape == (64, 64, 3)  # reduced first
    with pytest.raises(PictureError, match=r"encode.max_memory"):
        decode(saved(large, "JPEG", progressive=True), decoder=small)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_camera_raw_is_shown_by_its_preview(orientation: int) -> None:
    data = dng(PHOTO, orientation)
    info = DECODER.inspect(data, b"x.DNG")
    upright = ImageOps.exif_transpose(_with_orientation(PHOTO, orientation))
    assert info.format == RAW
    assert (info.width, info.height) == ((128, 96) if orientation < 5 else (96, 128))
    assert info.metadata["model"] == "Model"
    assert difference(decode(data, "x.dng"), wanted(upright)) <= 3


def test_camera_raw_with_too_many_values() -> None:
    data = dng(PHOTO)
    tag = struct.pack("<HHI", 262, 3, 1)
    assert tag in data
    damaged = data.replace(tag, struct.pack("<HHI", 262, 3, 153), 1)
    assert DECODER.inspect(damaged, b"x.dng").metadata["model"] == "Model"


def test_camera_raw_with_a_small_preview_is_developed() -> None:
    decoder = Decoder(Preprocess(32, 32, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0), LIMITS)
    found = decode(dng(Image.new("RGB", (16, 12), "red"), 6), "x.dng", decoder)
    assert found.shape == (32, 32, 3)
    assert found[..., 1].mean() > 50  # not the red preview


def test_what_only_is_called_raw(tmp_path: Path) -> None:
    assert difference(decode(saved(PHOTO, "PNG"), "x.nef"), wanted(PHOTO)) == 0
    with pytest.raises(PictureError, match="no picture in a format"):
        decode(b"no picture" * 100, "x.cr2")
