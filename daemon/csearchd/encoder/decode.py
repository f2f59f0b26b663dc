"""From the bytes of a picture file to what is known of it, and to the pixels that a tower takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from csearchd.encoder.colour import resizable, to_rgb
from csearchd.encoder.decoding.loading import load_image
from csearchd.encoder.errors import check_memory, undecodable
from csearchd.encoder.messages import Limits
from csearchd.encoder.opening import coded_orientation, memory_needed, open_image, register_formats
from csearchd.encoder.raw import raw_preview, read_raw
from csearchd.encoder.views.exposure import brightened
from csearchd.encoder.views.region import Box, photo_region
from csearchd.encoder.views.signature import signature_of
from csearchd.errors import PictureError
from csearchd.formats.embedded import read_blocks
from csearchd.formats.identity import identity
from csearchd.formats.suffixes import is_raw
from csearchd.metadata.exif import exif_orientation, is_on_its_side, read_exif, upright
from csearchd.metadata.record import embedded_metadata
from csearchd.models.preprocess import Preprocess

Views = NDArray[np.uint8]
"""sRGB pixels of one or two views of a picture: (views, height, width, 3)."""

RAW = "RAW"  # in place of Pillow's name of a format
_MIN_REDUCTION = 3.0  # a picture that much larger than needed is averaged in blocks first: unseen


@dataclass(frozen=True)
class PictureInfo:
    """What is known of a picture before it is decoded."""

    format: str  # Pillow's name, or RAW
    width: int  # in pixels, as shown
    height: int
    orientation: int  # 1 to 8, of the coded pixels (EXIF 2.32, tag 0x0112)
    identity: bytes
    metadata: dict[str, Any]  # what the file itself says (csearchd.metadata.record)
    memory: int  # bytes that decoding takes, about


class Decoded(NamedTuple):
    """A picture as the tower takes it.

    `views`: the picture, then the photo in it, if it is a screenshot with one. `incomplete`: its
    file lacks a part of it, or that part is damaged. `signature`: csearchd.library.signatures.
    """

    views: Views
    incomplete: bool
    signature: bytes

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The whole picture: sRGB, (height, width, 3)."""
        pixels: NDArray[np.uint8] = self.views[0]
        return pixels


class Decoder:
    """Decodes for one model, within limits. Its methods may be called from many threads."""

    def __init__(self, preprocess: Preprocess, limits: Limits) -> None:
        self._preprocess = preprocess
        self._limits = limits
        self._formats = register_formats(limits.pixels)

    def inspect(self, data: bytes, name: bytes) -> PictureInfo:
        """What the file `data` is, of which the suffix of `name` says whether it may be camera raw.

        Decodes nothing. Raises PictureError.
        """
        if is_raw(name) and (raw := read_raw(data, self._limits)) is not None:
            return PictureInfo(
                format=RAW,
                width=raw.width,
                height=raw.height,
                orientation=raw.orientation,
                identity=identity(data, None, raw.orientation),
                metadata=embedded_metadata(raw.exif, raw.blocks),
                memory=raw.width * raw.height * 8,
            )
        image = open_image(data, self._formats, self._limits)
        assert image.format is not None
        exif = read_exif(image, data)
        orientation = coded_orientation(image, exif, data)
        tags = getattr(image, "tag_v2", None)
        # Pillow gives a TIFF's size as shown, that of others as coded.
        width, height = (tags[256], tags[257]) if tags else image.size
        if is_on_its_side(orientation):
            width, height = height, width
        metadata = embedded_metadata(exif, read_blocks(image, data))
        self._reduce(image, width, height, orientation)
        return PictureInfo(
            format=image.format,
            width=width,
            height=height,
            orientation=orientation,
            identity=identity(data, image.format, orientation),
            metadata=metadata,
            memory=memory_needed(image, width * height),
        )

    def decode(self, data: bytes, info: PictureInfo) -> Decoded:
        """The picture, as far as the file has it.

        `info` is what `inspect` returned for `data`. Raises PictureError, or MemoryError where the
        file takes more memory than its header lets expect.
        """
        check_memory(info.memory, self._limits)
        try:
            return self._decode(data, info)
        except (PictureError, MemoryError):
            raise
        except Exception as error:  # a decoder in the hands of a hostile file raises anything
            raise undecodable(error) from error

    def _decode(self, data: bytes, info: PictureInfo) -> Decoded:
        orientation = info.orientation
        min_size = self._preprocess.min_size(info.width, info.height)
        if info.format == RAW:
            image, incomplete = raw_preview(
                data, orientation, max(min_size), self._formats, self._limits
            )
            orientation = 1
        else:
            image, incomplete = load_image(
                data,
                self._formats,
                self._limits,
                lambda image: self._reduce(image, info.width, info.height, orientation),
            )
            if info.format == "TIFF":
                orientation = exif_orientation(image.getexif())  # Pillow has applied it
        profile = image.info.get("icc_profile")
        image = resizable(image)
        size = _as_coded(min_size, orientation)
        whole = (0, 0, *image.size)
        boxes = [whole, *filter(None, [photo_region(image)])]
        parts = [upright(to_rgb(_reduced(image, box, size), profile), orientation) for box in boxes]
        views = [brightened(self._preprocess.fit(part)) for part in parts]
        return Decoded(np.stack(views), incomplete, signature_of(parts[0]))

    def _reduce(self, image: Image.Image, width: int, height: int, orientation: int) -> None:
        """Has a JPEG decoded at the smallest of its scales that is large enough.

        `width` and `height` are those shown.
        """
        if image.format in ("JPEG", "MPO"):
            min_size = self._preprocess.min_size(width, height)
            image.draft(None, _as_coded(min_size, orientation))


def _reduced(image: Image.Image, box: Box, min_size: tuple[int, int]) -> Image.Image:
    """The part of `image` in `box`, averaged in blocks if it is much larger than `min_size`."""
    sides = (box[2] - box[0]) / min_size[0], (box[3] - box[1]) / min_size[1]
    factor = int(min(sides) / _MIN_REDUCTION)
    if factor > 1:
        return Image.Image.reduce(image, factor, box)
    return image if box == (0, 0, *image.size) else image.crop(box)


def _as_coded(shown: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height of the coded pixels for a size as shown."""
    return shown[::-1] if is_on_its_side(orientation) else shown
