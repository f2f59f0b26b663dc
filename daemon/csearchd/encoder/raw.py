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
    exif_orientation,
    is_on_its_side,
    read_exif,
    read_raw_exif,
    upright,
)
from csearchd.metadata.exif_directories import Exif
from csearchd.reasons import pictures as reasons

_SAMPLE = 64  # bytes by which a part of a file is found
_ORIENTATIONS = {3: 3, 5: 8, 6: 6}  # LibRaw's flip → orientation


@dataclass(frozen=True)
class RawInfo:
    """What a camera raw file says of itself."""

    width: int  # in pixels, as shown
    height: int
    orientation: int  # 1 to 8, of the sensor's data
    exif: Exif
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
    Of a file that breaks off, what there is of the preview, of whatever size, comes last. `formats`
    are those of csearchd.encoder.opening.register_formats.
    """
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            preview = _embedded(raw, data, orientation, min_side, formats, limits)
            is_large = preview is not None and min(preview.image.size) >= min_side
            if preview is not None and is_large and not preview.incomplete:
                return preview
            try:
                return Loaded(_developed(raw), False)
            except (rawpy.LibRawError, PictureError):
                if preview is None:
                    raise
                return Loaded(preview.image, True)
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
    raw: rawpy.RawPy,
    data: bytes,
    orientation: int,
    min_side: int,
    formats: tuple[str, ...],
    limits: Limits,
) -> Loaded | None:
    incomplete = False
    try:
        preview = raw.extract_thumb()
        if preview.format == rawpy.ThumbFormat.BITMAP:
            if not preview.data.any():  # it lies behind the end of the file
                return None
            image = Image.fromarray(preview.data)
        else:
            coded = _in_the_file(preview.data, data)
            image, incomplete = load_image(
                coded,
                formats,
                limits,
                lambda image: image.draft(None, (min_side, min_side)) and None,
            )
            exif = read_exif(image, coded)
            orientation = exif_orientation(exif) if exif.get(ORIENTATION) else orientation
    except (rawpy.LibRawError, PictureError, OSError):
        return None
    return Loaded(upright(image, orientation), incomplete)


def _in_the_file(preview: bytes, file: bytes) -> bytes:
    """The part of a preview that the file has.

    LibRaw gives the whole length of it, with whatever was in memory behind the file's end. It may
    have changed the beginning.
    """
    for place in (len(preview) // 2, len(preview) // 4, len(preview) // 16):
        sample = preview[place : place + _SAMPLE]
        if any(sample) and (at := file.find(sample)) >= 0:
            return preview[: place + len(file) - at]
    return preview
