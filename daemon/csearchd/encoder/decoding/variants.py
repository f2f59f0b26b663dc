"""Variants of formats that Pillow refuses or shows wrong: chooses the module that decodes them."""

from __future__ import annotations

from functools import partial

from PIL import Image

from csearchd.encoder.decoding.bmp import (
    PIXEL_BYTES,
    bmp_size,
    has_short_run_lengths,
    looks_like_bmp,
    read_bmp,
)
from csearchd.encoder.decoding.tiff_variants import is_shown_wrong, open_tiff
from csearchd.encoder.decoding.variant import Variant
from csearchd.encoder.messages import Limits
from csearchd.errors import PictureError
from csearchd.formats.signatures import signature_format


def needs_variant(data: bytes) -> bool:
    """Whether Pillow opens the file `data`, and shows it wrong. Never raises."""
    if data[:2] == b"BM":
        return has_short_run_lengths(data)
    return signature_format(data) == "TIFF" and is_shown_wrong(data)


def open_variant(data: bytes, limits: Limits) -> Image.Image | None:
    """The picture in a file that Pillow refuses; None where it is no variant that is known here.

    It isn't decoded yet. Raises PictureError where it costs too much, and MemoryError.
    """
    try:
        if looks_like_bmp(data):
            size = bmp_size(data, limits)
            memory = size[0] * size[1] * PIXEL_BYTES
            return Variant("BMP", size, memory, partial(read_bmp, data, limits))
        if signature_format(data) == "TIFF":
            return open_tiff(data, limits)
    except (PictureError, MemoryError):
        raise
    except Exception:  # a parser in the hands of a hostile file raises anything
        pass
    return None
