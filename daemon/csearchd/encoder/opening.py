"""Opens a picture with Pillow, in one of the supported formats, without decoding it."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pi_heif
from PIL import AvifImagePlugin, Image, PngImagePlugin, UnidentifiedImageError

from csearchd.encoder.decoding.jpeg_xl import is_jpeg_xl
from csearchd.encoder.decoding.jpeg_xl import size as jpeg_xl_size
from csearchd.encoder.decoding.salvage import lacks_directory, salvaged
from csearchd.encoder.decoding.variant import Variant
from csearchd.encoder.decoding.variants import needs_variant, open_variant
from csearchd.encoder.errors import check_memory, check_pixels, undecodable, unidentified
from csearchd.encoder.messages import Limits
from csearchd.errors import MalformedError, PictureError
from csearchd.formats.heif import is_transformed
from csearchd.formats.jpeg import has_honest_exif
from csearchd.formats.png import MAX_TEXT_BYTES
from csearchd.formats.suffixes import jpeg_xl_installed
from csearchd.formats.tiff import is_honest
from csearchd.metadata.exif import exif_orientation
from csearchd.metadata.exif_directories import Exif
from csearchd.reasons import pictures as reasons
from csearchd.system import processors

_DECODER_THREADS = 4
# Bytes for a pixel: what the codec holds beside the decoded image (planes, canvases, copies), and
# what the decoded image takes by its mode.
_CODEC_BYTES = {"WEBP": 12, "AVIF": 7, "HEIF": 5, "JPEG2000": 16, "JXL": 20, "TIFF": 4}
_BILEVEL_BYTES = 3  # of black and white: the picture, and the grey one made of it
_DEEP_BYTES = 3  # more of HEIF with more than 8 bits
_LIBHEIF_PIXELS = 1 << 30  # which libheif decodes without being told to do more
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_MODE_BYTES = {"1": 1, "L": 1, "P": 1, "LA": 4, "PA": 4, "I;16": 2, "I;16B": 2}


def register_formats(max_pixels: int) -> tuple[str, ...]:
    """Prepares Pillow, once in a process; returns its names of the formats that are opened.

    Pictures of up to `max_pixels` are going to be decoded, which Limits checks.
    Pillow's own guard against decompression bombs is replaced by Limits, and its guard against long
    texts in PNG, which refuses the whole file, by csearchd.formats.png.
    """
    Image.MAX_IMAGE_PIXELS = None
    PngImagePlugin.MAX_TEXT_CHUNK = MAX_TEXT_BYTES
    Image.preinit()
    pi_heif.register_heif_opener(thumbnails=False)
    pi_heif.options.DISABLE_SECURITY_LIMITS = max_pixels > _LIBHEIF_PIXELS
    # Each picture's decoder has threads of its own.
    threads = min(_DECODER_THREADS, processors.count())
    pi_heif.options.DECODE_THREADS = AvifImagePlugin.DEFAULT_MAX_THREADS = threads
    formats = ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "JPEG2000", "PPM", "AVIF", "HEIF"]
    if jpeg_xl_installed():
        plugin: Any = import_module("pillow_jxl.JpegXLImagePlugin")  # registers itself
        plugin.DECODE_THREADS = threads
        formats.append("JXL")
    return tuple(formats)


def open_image(data: bytes, formats: tuple[str, ...], limits: Limits) -> Image.Image:
    """The picture in the file `data`, with its header read and its pixels not yet decoded.

    Of a damaged file, it is what csearchd.encoder.decoding.salvage makes of it. `formats` are those
    of `register_formats`. Raises PictureError.
    """
    try:
        return open_undamaged(data, formats, limits)
    except PictureError:
        for image in open_salvaged(data, formats, limits):
            return image
        raise


def open_salvaged(data: bytes, formats: tuple[str, ...], limits: Limits) -> Iterator[Image.Image]:
    """As `open_image`, what can be opened of a damaged file, the best first. Never raises."""
    for other in salvaged(data):
        try:
            yield open_undamaged(other, formats, limits)
        except PictureError:
            continue


def open_undamaged(data: bytes, formats: tuple[str, ...], limits: Limits) -> Image.Image:
    """As `open_image`, but of a damaged file nothing is salvaged."""
    if not (has_honest_exif(data) if data[:2] == b"\xff\xd8" else is_honest(data)):
        raise PictureError(reasons.METADATA_TOO_LARGE())
    if is_jpeg_xl(data):
        _check_jpeg_xl(data, limits)
    if needs_variant(data) and (variant := open_variant(data, limits)):
        return variant
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
    except MemoryError:
        raise
    except Exception as error:
        if variant := open_variant(data, limits):
            return variant
        if lacks_directory(data):
            raise PictureError(reasons.DIRECTORY_CUT_OFF()) from None
        if isinstance(error, UnidentifiedImageError):
            raise _refusal(data) from None
        raise undecodable(error) from error
    check_pixels(*image.size, limits)
    _check_tiles(image, limits)
    return image


def _refusal(data: bytes) -> PictureError:
    """Why Pillow opens no picture in a file."""
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis"):
        return PictureError(reasons.HEADER_DAMAGED(format="AVIF"))
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:  # Pillow's plugin doesn't say
        try:
            pi_heif.HeifFile(io.BytesIO(data))
        except Exception as error:  # a decoder in the hands of a hostile file raises anything
            return undecodable(error)
        return PictureError(reasons.HEADER_DAMAGED(format="HEIC"))
    return unidentified(data)


def _check_jpeg_xl(data: bytes, limits: Limits) -> None:
    """Raises PictureError where opening a JPEG XL picture, which decodes it, costs too much."""
    try:
        width, height = jpeg_xl_size(data)
    except (MalformedError, struct.error):
        raise unidentified(data) from None
    check_pixels(width, height, limits)
    check_memory(width * height * _CODEC_BYTES["JXL"], limits)


def coded_orientation(image: Image.Image, exif: Exif, data: bytes) -> int:
    """The orientation of an opened picture's pixels, 1 to 8 (EXIF 2.32, tag 0x0112).

    HEIF and JPEG XL tell it in the coded picture, and their decoders turn it. A HEIF without that
    is turned by its EXIF data, as in most viewers, though the standard says otherwise.
    """
    if image.format == "HEIF":
        told = image.info.get("original_orientation")
        return told if isinstance(told, int) and not is_transformed(data) else 1
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return 1
    return exif_orientation(exif)


def _check_tiles(image: Image.Image, limits: Limits) -> None:
    """Raises PictureError where a TIFF's tile, which is decoded whole, is far too large."""
    tags = getattr(image, "tag_v2", {})
    width, height = tags.get(322), tags.get(323)
    if isinstance(width, int) and isinstance(height, int) and width * height > limits.pixels:
        raise PictureError(reasons.TILES_TOO_LARGE(width=width, height=height))


def memory_needed(image: Image.Image, coded_pixels: int) -> int:
    """About how many bytes it takes to decode an opened image.

    `coded_pixels` is how many it had before it was reduced by `draft`.
    """
    if isinstance(image, Variant):
        return image.memory
    pixels = image.width * image.height
    if image.mode == "1" and not image.has_transparency_data:
        return pixels * _BILEVEL_BYTES
    size = pixels * (_MODE_BYTES.get(image.mode, 4) + _CODEC_BYTES.get(image.format or "", 0))
    if image.mode not in ("L", "RGB", "CMYK"):
        size += pixels * 5
    if image.format == "HEIF" and image.info.get("bit_depth", 8) > 8:
        size += pixels * _DEEP_BYTES
    if image.info.get("progressive"):
        size += coded_pixels * 2 * len(image.getbands())  # libjpeg keeps all coefficients
    return size
