"""From the bytes of a picture file to the picture as it is read: sRGB, upright, of bounded size."""

from __future__ import annotations

from PIL import Image

from csearchd.encoder.colour import resizable, to_rgb
from csearchd.encoder.decoding.loading import load_image
from csearchd.encoder.errors import undecodable
from csearchd.encoder.messages import Limits
from csearchd.encoder.opening import coded_orientation, memory_needed, open_image, register_formats
from csearchd.encoder.raw import raw_preview, read_raw
from csearchd.errors import PictureError
from csearchd.formats.suffixes import is_raw
from csearchd.metadata.exif import exif_orientation, read_exif, upright
from csearchd.reasons import pictures as reasons

_PIXELS = 24_000_000  # of a picture that is read: larger ones are reduced
_RAW_SIDE = 1500  # pixels that the shorter side of a camera raw's preview should have
_SCALES = (2, 4, 8)  # by which JPEGs can be reduced while they are decoded


class Decoder:
    """Decodes within limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._formats = register_formats(limits.pixels)

    def decode(self, data: bytes, name: bytes) -> Image.Image:
        """The picture in the file `data`, as it is shown, as far as the file has it.

        The suffix of `name` says whether it may be camera raw. Raises PictureError, or MemoryError
        where the file takes more memory than its header lets expect.
        """
        try:
            return self._decode(data, name)
        except (PictureError, MemoryError):
            raise
        except Exception as error:  # a decoder in the hands of a hostile file raises anything
            raise undecodable(error) from error

    def _decode(self, data: bytes, name: bytes) -> Image.Image:
        raw = read_raw(data, self._limits) if is_raw(name) else None
        if raw:
            self._check(raw.width * raw.height * 8)
            image, orientation = self._preview(data, raw.orientation), 1
        else:
            image = open_image(data, self._formats, self._limits)
            orientation = coded_orientation(image, read_exif(image, data), data)
            coded = image.width * image.height
            _reduce(image)
            self._check(memory_needed(image, coded))
            image = load_image(data, self._formats, self._limits, _reduce).image
            if image.format == "TIFF":
                orientation = exif_orientation(image.getexif())  # Pillow has applied it
        profile = image.info.get("icc_profile")
        image = resizable(image)
        factor = -(-image.width * image.height // _PIXELS)
        if factor > 1:
            image = image.reduce(max(2, round(factor**0.5)))
        return upright(to_rgb(image, profile), orientation)

    def _preview(self, data: bytes, orientation: int) -> Image.Image:
        return raw_preview(data, orientation, _RAW_SIDE, self._formats, self._limits).image

    def _check(self, needed: int) -> None:
        if needed > self._limits.memory:
            raise PictureError(
                reasons.WORDS_NEED_MEMORY(
                    needed=round(needed / 1e6), limit=round(self._limits.memory / 1e6)
                )
            )


def _reduce(image: Image.Image) -> None:
    """Has a JPEG decoded at the largest of its scales that isn't too large."""
    if image.format in ("JPEG", "MPO"):
        size = image.size
        for scale in _SCALES:
            if image.width * image.height <= _PIXELS:
                break
            image.draft(None, (size[0] // scale, size[1] // scale))
