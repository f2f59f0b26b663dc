"""A picture file's bytes to what is known of it, and to the pixels that a tower wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from csearchd.encoder.colour import resizable, to_rgb
from csearchd.encoder.errors import check_memory, undecodable
from csearchd.encoder.messages import Limits
from csearchd.encoder.opening import memory_needed, open_image, register_formats
from csearchd.encoder.raw import raw_preview, read_raw
from csearchd.errors import PictureError
from csearchd.formats.embedded import read_blocks
from csearchd.formats.identity import identity
from csearchd.formats.suffixes import is_raw
from csearchd.metadata.exif import orientation, read_exif, upright
from csearchd.metadata.record import embedded_metadata
from csearchd.models.preprocess import Preprocess

RAW = "RAW"
_GAP = 3.0  # a picture this much larger than wanted is averaged in blocks first; not visible


@dataclass(frozen=True)
class Facts:
    """What is known of a picture before it is decoded.

    `format` is Pillow's name, or RAW. Width and height are pixels, as shown. `memory` is about
    how many bytes decoding takes. `metadata` is what the file itself says (encode.metadata).
    """

    format: str
    width: int
    height: int
    orientation: int
    identity: bytes
    metadata: dict[str, Any]
    memory: int


class Decoder:
    """Decodes for one model, within limits. Its methods may be called from many threads."""

    def __init__(self, preprocess: Preprocess, limits: Limits) -> None:
        self._preprocess = preprocess
        self._limits = limits
        self._formats = register_formats()

    def inspect(self, data: bytes, name: bytes) -> Facts:
        """What the file `data`, called `name`, is. Decodes nothing. Raises PictureError."""
        if is_raw(name) and (raw := read_raw(data, self._limits)) is not None:
            return Facts(
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
        turn = orientation(exif)
        tags = getattr(image, "tag_v2", None)
        # Pillow gives a TIFF's size as shown, that of others as coded.
        width, height = (tags[256], tags[257]) if tags else image.size
        if turn >= 5:
            width, height = height, width
        metadata = embedded_metadata(exif, read_blocks(image, data))
        self._reduce(image, width, height, turn)
        return Facts(
            format=image.format,
            width=width,
            height=height,
            orientation=turn,
            identity=identity(data, image.format, turn),
            metadata=metadata,
            memory=memory_needed(image, width * height),
        )

    def decode(self, data: bytes, facts: Facts) -> NDArray[np.uint8]:
        """The picture as the tower wants it: (height, width, 3), sRGB.

        Raises PictureError, or MemoryError where the file takes more than its header lets expect.
        """
        check_memory(facts.memory, self._limits)
        try:
            return self._decode(data, facts)
        except (PictureError, MemoryError):
            raise
        except Exception as error:  # a decoder in the hands of a hostile file raises anything
            raise undecodable(error) from error

    def _decode(self, data: bytes, facts: Facts) -> NDArray[np.uint8]:
        turn = facts.orientation
        least = self._preprocess.least_size(facts.width, facts.height)
        if facts.format == RAW:
            image = raw_preview(data, turn, max(least), self._formats, self._limits)
            turn = 1
        else:
            image = open_image(data, self._formats, self._limits)
            self._reduce(image, facts.width, facts.height, turn)
            image.load()
            if facts.format == "TIFF":
                turn = orientation(image.getexif())  # Pillow has turned it, and says so
        profile = image.info.get("icc_profile")
        image = resizable(image)
        across = least if turn < 5 else least[::-1]
        factor = int(min(image.width / across[0], image.height / across[1]) / _GAP)
        if factor > 1:
            image = Image.Image.reduce(image, factor)
        return self._preprocess.fit(upright(to_rgb(image, profile), turn))

    def _reduce(self, image: Image.Image, width: int, height: int, turn: int) -> None:
        """Has a JPEG decoded at the smallest of its scales that is large enough."""
        if image.format in ("JPEG", "MPO"):
            least = self._preprocess.least_size(width, height)
            image.draft(None, least if turn < 5 else least[::-1])
