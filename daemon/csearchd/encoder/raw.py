"""Camera raw through LibRaw: by the preview that the camera embedded, as a viewer shows it."""

from __future__ import annotations

import io
from dataclasses import dataclass

import rawpy
from PIL import Image

from csearchd.encoder.errors import check_pixels, undecodable
from csearchd.encoder.messages import Limits
from csearchd.encoder.opening import open_image
from csearchd.errors import PictureError
from csearchd.formats.parsing import MetadataBlocks
from csearchd.formats.raw import metadata_blocks
from csearchd.metadata.exif import ORIENTATION, read_exif, read_raw_exif, upright

_FLIPS = {3: 3, 5: 8, 6: 6}  # LibRaw's flip → EXIF orientation


@dataclass(frozen=True)
class RawInfo:
    """Width and height as shown, in pixels; the orientation of the sensor's data; its metadata."""

    width: int
    height: int
    orientation: int
    exif: Image.Exif
    blocks: MetadataBlocks


def read_raw(data: bytes, limits: Limits) -> RawInfo | None:
    """What the file says of itself; None where it isn't camera raw. Raises PictureError."""
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            sizes = raw.sizes
    except rawpy.LibRawError:
        return None
    check_pixels(sizes.raw_width, sizes.raw_height, limits)
    width, height = sizes.width, sizes.height
    turn = _FLIPS.get(sizes.flip, 1)
    if turn >= 5:
        width, height = height, width
    return RawInfo(width, height, turn, read_raw_exif(data), metadata_blocks(data))


def raw_preview(
    data: bytes, turn: int, least: int, formats: tuple[str, ...], limits: Limits
) -> Image.Image:
    """An upright picture whose shorter side has at least `least` pixels. Raises PictureError.

    The embedded preview, turned by its own orientation or else by `turn`, that of the sensor's
    data; or where there is none or too small a one, the sensor's data at half the size.
    """
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            preview = _embedded(raw, turn, least, formats, limits)
            if preview is not None:
                return preview
            # LibRaw turns what it develops.
            return Image.fromarray(raw.postprocess(half_size=True, use_camera_wb=True))
    except rawpy.LibRawError as error:
        raise undecodable(error) from error


def _embedded(
    raw: rawpy.RawPy, turn: int, least: int, formats: tuple[str, ...], limits: Limits
) -> Image.Image | None:
    try:
        preview = raw.extract_thumb()
        if preview.format == rawpy.ThumbFormat.BITMAP:
            image = Image.fromarray(preview.data)
        else:
            image = open_image(preview.data, formats, limits)
            turn = read_exif(image, preview.data).get(ORIENTATION, turn)
            image.draft(None, (least, least))
            image.load()
    except (rawpy.LibRawError, PictureError, OSError):
        return None
    return upright(image, turn) if min(image.size) >= least else None
