"""Camera raw through LibRaw: shown by the preview that the camera embedded, as viewers do."""

from __future__ import annotations

import io
from dataclasses import dataclass

import rawpy
from PIL import Image

from csearchd.encoder.decoding.loading import Loaded, load_image
from csearchd.encoder.errors import check_pixels, undecodable
from csearchd.encoder.messages import Limits
from csearchd.errors import PictureError
from csearchd.formats.parsing import MetadataBlocks
from csearchd.formats.raw import metadata_blocks
from csearchd.metadata.exif import (
    ORIENTATION,
    is_on_its_side,
    read_exif,
    read_raw_exif,
    upright,
)
from csearchd.reasons import pictures as reasons

_ORIENTATIONS = {3: 3, 5: 8, 6: 6}  # LibRaw's flip → orientation


@dataclass(frozen=True)
class RawInfo:
    """What a camera raw file says of itself."""

    width: int  # in pixels, as shown
    height: int
    orientation: int  # 1 to 8, of the sensor's data
    exif: Image.Exif
    blocks: MetadataBlocks


def read_raw(data: bytes, limits: Limits) -> RawInfo | None:
    """What the file `data` says of itself; None where it isn't camera raw. Raises PictureError."""
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            sizes = raw.sizes
    except rawpy.LibRawError:
        return None
    check_pixels(sizes.raw_width, sizes.raw_height, limits)
    width, height = sizes.width, sizes.height
    orientation = _ORIENTATIONS.get(sizes.flip, 1)
    if is_on_its_side(orientation):
        width, height = height, width
    return RawInfo(width, height, orientation, read_raw_exif(data), metadata_blocks(data))


def raw_preview(
    data: bytes, orientation: int, min_side: int, formats: tuple[str, ...], limits: Limits
) -> Loaded:
    """An upright picture whose shorter side has at least `min_side` pixels. Raises PictureError.

    It is the embedded preview, turned by its own orientation or else by `orientation`, that of the
    sensor's data; or where there is none or too small a one, the sensor's data at half the size.
    Of a file that breaks off, what there is of the preview comes last. `formats` are those of
    csearchd.encoder.opening.register_formats.
    """
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            preview = _embedded(raw, orientation, min_side, formats, limits)
            if preview is not None and not preview.incomplete:
                return preview
            try:
                return Loaded(_developed(raw), False)
            except (rawpy.LibRawError, PictureError):
                if preview is None:
                    raise
                return preview
    except rawpy.LibRawError as error:
        raise undecodable(error) from error


def _developed(raw: rawpy.RawPy) -> Image.Image:
    """The sensor's data at half the size, which LibRaw turns upright.

    Raises LibRawError, and PictureError where there are none: LibRaw makes a black picture of a
    file that breaks off before them.
    """
    pixels = raw.postprocess(half_size=True, use_camera_wb=True)
    if not pixels.any():
        raise PictureError(reasons.TRUNCATED(details=reasons.ENDS_EARLY()))
    return Image.fromarray(pixels)


def _embedded(
    raw: rawpy.RawPy, orientation: int, min_side: int, formats: tuple[str, ...], limits: Limits
) -> Loaded | None:
    incomplete = False
    try:
        preview = raw.extract_thumb()
        if preview.format == rawpy.ThumbFormat.BITMAP:
            image = Image.fromarray(preview.data)
        else:
            image, incomplete = load_image(
                preview.data,
                formats,
                limits,
                lambda image: image.draft(None, (min_side, min_side)) and None,
            )
            orientation = read_exif(image, preview.data).get(ORIENTATION, orientation)
    except (rawpy.LibRawError, PictureError, OSError):
        return None
    if min(image.size) < min_side:
        return None
    return Loaded(upright(image, orientation), incomplete)
