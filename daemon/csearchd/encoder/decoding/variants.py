"""Variants of formats that Pillow refuses or shows wrong: chooses the module that decodes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PIL import Image

from csearchd.encoder.decoding.bmp import (
    PIXEL_BYTES,
    bmp_size,
    has_short_run_lengths,
    looks_like_bmp,
    read_bmp,
)
from csearchd.encoder.decoding.tiff_variants import is_shown_wrong, read_tiff
from csearchd.encoder.messages import Limits
from csearchd.errors import PictureError
from csearchd.formats.signatures import signature_format


class Variant(Image.Image):
    """A picture that isn't decoded by Pillow, nor before it is loaded.

    `incomplete`, known once it is loaded: its file lacks a part of it. `memory`: bytes that
    decoding takes.
    """

    def __init__(
        self,
        format: str,
        size: tuple[int, int],
        memory: int,
        decode: Callable[[], tuple[Image.Image, bool]],
    ) -> None:
        super().__init__()
        self.format = format
        self._mode, self._size = "RGB", size
        self.memory = memory
        self.incomplete = False
        self._decode = decode

    def load(self) -> Any:
        """As Pillow's. Raises what `decode` does."""
        if self._im is None:
            decoded, self.incomplete = self._decode()
            self._im, self._mode, self._size = decoded.im, decoded.mode, decoded.size
        return super().load()


def needs_variant(data: bytes) -> bool:
    """Whether Pillow opens the file `data`, and shows it wrong. Never raises."""
    if data[:2] == b"BM":
        return has_short_run_lengths(data)
    return signature_format(data) == "TIFF" and is_shown_wrong(data)


def open_variant(data: bytes, limits: Limits) -> Image.Image | None:
    """The picture in a file that Pillow refuses; None where it is no variant that is known here.

    It is a Variant, or of a TIFF an image that is decoded already. Raises PictureError where it
    costs too much, and MemoryError.
    """
    try:
        if looks_like_bmp(data):
            size = bmp_size(data, limits)
            memory = size[0] * size[1] * PIXEL_BYTES
            return Variant("BMP", size, memory, partial(read_bmp, data, limits))
        if signature_format(data) == "TIFF":
            return read_tiff(data, limits)
    except (PictureError, MemoryError):
        raise
    except Exception:  # a parser in the hands of a hostile file raises anything
        pass
    return None
