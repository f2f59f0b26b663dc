"""Decodes pictures as far as they go, as viewers do: a file may be damaged or break off."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PIL import Image, ImageFile

from csearchd.encoder.decoding.interlaced import filled, is_interlaced
from csearchd.encoder.decoding.salvage import has_end, is_salvageable
from csearchd.encoder.decoding.variant import Variant
from csearchd.encoder.decoding.variants import open_variant
from csearchd.encoder.errors import undecodable
from csearchd.encoder.messages import Limits
from csearchd.encoder.opening import open_salvaged, open_undamaged
from csearchd.errors import PictureError

_RLE8 = 1  # Pillow's name of a BMP's coding; of other formats it gives a text


class Loaded(NamedTuple):
    """A decoded picture. `incomplete`: its file lacks a part of it, or that part is damaged."""

    image: Image.Image
    incomplete: bool


class _Attempt(NamedTuple):
    """A picture as far as it was decoded; None where nothing was. `failure`: what went wrong."""

    image: Image.Image | None
    failure: Exception | None


def load_image(
    data: bytes, formats: tuple[str, ...], limits: Limits, prepare: Callable[[Image.Image], object]
) -> Loaded:
    """Decodes the picture in the file `data`, as far as it goes.

    `prepare` is called with the opened picture before it is decoded; `formats` are those of
    `register_formats`. Raises PictureError where nothing can be decoded, and MemoryError.
    """
    try:
        image = open_undamaged(data, formats, limits)
    except PictureError as error:
        attempt = _Attempt(None, error)
    else:
        prepare(image)
        attempt = _load(image)
        del image  # its memory is needed for the next attempt
    if attempt.image and attempt.failure is None:
        return _whole(attempt.image, data)
    damage = attempt.failure or EOFError()
    ends_early = attempt.image and attempt.image.info.get("compression") == _RLE8  # rightly, maybe
    if (not attempt.image or ends_early) and (variant := open_variant(data, limits)):
        attempt = _load(variant)
        if attempt.image:
            return _whole(attempt.image, data)
        damage = attempt.failure or damage
    if not is_salvageable(data) and attempt.image:
        is_whole = attempt.image.format == "GIF" and has_end(data) is True  # a few bytes too many
        return Loaded(attempt.image, not is_whole)
    # What takes the place of coded data doesn't fail; of a PNG only other chunks may be left out.
    is_lossy = attempt.image is not None and attempt.image.format != "PNG"
    del attempt
    partial: Image.Image | None = None
    for other in open_salvaged(data, formats, limits):
        prepare(other)
        salvaged, failure = _load(other)
        fillers = (0, 127, 128) if other.format == "TIFF" else (127, 128)  # zeros lie behind it
        if salvaged is None or _is_filler(salvaged, fillers):
            continue
        if failure is None:
            return Loaded(salvaged, is_lossy or has_end(data) is not True)
        partial = partial or salvaged
    if partial:
        return Loaded(partial, True)
    raise damage if isinstance(damage, PictureError) else undecodable(damage)


def _whole(image: Image.Image, data: bytes) -> Loaded:
    """A picture whose decoder didn't fail."""
    lacks = isinstance(image, Variant) and image.incomplete
    return Loaded(image, lacks or has_end(data) is False)


def _load(image: Image.Image) -> _Attempt:
    """Decodes an opened picture, whole or in part. Raises MemoryError."""
    interlaced = is_interlaced(image)
    try:
        image.load()
        return _Attempt(image, None)
    except MemoryError:
        raise
    except Exception as error:  # a decoder in the hands of a hostile file raises anything
        failure = error
    if not isinstance(image, ImageFile.ImageFile):
        return _Attempt(None, failure)
    try:
        image.tile = []  # so that what it has decoded can be used
        image.load()
        if _is_filler(image, (0, 127, 128)):
            return _Attempt(None, failure)
        return _Attempt(filled(image) if interlaced else image, failure)
    except MemoryError:
        raise
    except Exception:  # it has no pixels
        return _Attempt(None, failure)


def _is_filler(image: Image.Image, fillers: tuple[int, ...]) -> bool:
    """Whether nothing of a picture was decoded: all is what decoders give without data.

    That is 0, and in libjpeg a medium grey.
    """
    extrema = image.getextrema()
    bands = extrema if isinstance(extrema[0], tuple) else (extrema,)
    return all(low == high and low in fillers for low, high in bands)
