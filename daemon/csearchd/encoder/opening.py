"""Opens a picture with Pillow, in one of the supported formats, without decoding it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib import import_module

import pillow_heif
from PIL import AvifImagePlugin, Image, PngImagePlugin, UnidentifiedImageError

from csearchd.encoder.decoding.salvage import salvaged
from csearchd.encoder.errors import check_pixels, undecodable, unidentified
from csearchd.encoder.messages import Limits
from csearchd.errors import PictureError
from csearchd.formats.jpeg import has_honest_exif
from csearchd.formats.png import MAX_TEXT_BYTES
from csearchd.formats.suffixes import jpeg_xl_installed
from csearchd.formats.tiff import is_honest
from csearchd.reasons import pictures as reasons
from csearchd.system import processors

_DECODER_THREADS = 4
# Bytes for a pixel: what the codec holds beside the decoded image (planes, canvases, copies), and
# what the decoded image takes by its mode.
_CODEC_BYTES = {"WEBP": 12, "AVIF": 12, "HEIF": 12, "JPEG2000": 16, "JXL": 20, "TIFF": 4}
_MODE_BYTES = {"1": 1, "L": 1, "P": 1, "LA": 4, "PA": 4, "I;16": 2, "I;16B": 2}


def register_formats() -> tuple[str, ...]:
    """Prepares Pillow, once in a process; returns its names of the formats that are opened.

    Pillow's own guard against decompression bombs is replaced by Limits, and its guard against long
    texts in PNG, which refuses the whole file, by csearchd.formats.png.
    """
    Image.MAX_IMAGE_PIXELS = None
    PngImagePlugin.MAX_TEXT_CHUNK = MAX_TEXT_BYTES
    Image.preinit()
    pillow_heif.register_heif_opener(thumbnails=False)
    # Each picture's decoder has threads of its own.
    threads = min(_DECODER_THREADS, processors.count())
    pillow_heif.options.DECODE_THREADS = AvifImagePlugin.DEFAULT_MAX_THREADS = threads
    formats = ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "JPEG2000", "PPM", "AVIF", "HEIF"]
    if jpeg_xl_installed():
        import_module("pillow_jxl")  # registers itself

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
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
    except UnidentifiedImageError:
        raise unidentified(data) from None
    except MemoryError:
        raise
    except Exception as error:
        raise undecodable(error) from error
    check_pixels(*image.size, limits)
    _check_tiles(image, limits)
    return image


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
    pixels = image.width * image.height
    size = pixels * (_MODE_BYTES.get(image.mode, 4) + _CODEC_BYTES.get(image.format or "", 0))
    if image.mode not in ("L", "RGB", "CMYK"):
        size += pixels * 5
    if image.info.get("progressive"):
        size += coded_pixels * 2 * len(image.getbands())  # libjpeg keeps all coefficients
    return size
