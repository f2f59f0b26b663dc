"""The values in a picture's EXIF data that filters and displays use (EXIF 2.32)."""

from __future__ import annotations

from typing import Any

from PIL import ExifTags, Image

from csearchd.metadata import fields
from csearchd.metadata.dates import stated
from csearchd.metadata.exif import exif_orientation

_ISO, _LENS, _MAKE, _MODEL, _DESCRIPTION = 34855, 42036, 271, 272, 270


def from_exif(exif: Image.Exif) -> dict[str, Any]:
    """The fields of csearchd.metadata.record that EXIF data give."""
    # One by one: Pillow lists PhotometricInterpretation with several values, but doesn't have it.
    tags = {**_directory(exif, ExifTags.IFD.Exif), **{tag: exif.get(tag) for tag in exif}}
    gps = _directory(exif, ExifTags.IFD.GPSInfo)
    return fields.known(
        {
            "dates": stated.in_exif(tags.get, gps.get),
            "make": fields.text(tags.get(_MAKE)),
            "model": fields.text(tags.get(_MODEL)),
            "lens": fields.text(tags.get(_LENS)),
            "iso": fields.iso(tags.get(_ISO)),
            **_place(gps),
            "altitude": fields.altitude(fields.number(gps.get(6)), gps.get(5) in (1, b"\1")),
            "orientation": exif_orientation(exif),
            "description": fields.text(tags.get(_DESCRIPTION), fields.MAX_DESCRIPTION),
        }
    )


def _directory(exif: Image.Exif, which: ExifTags.IFD) -> dict[int, Any]:
    try:
        return dict(exif.get_ifd(which))
    except MemoryError:
        raise
    except Exception:  # a parser in the hands of a hostile file raises anything
        return {}


def _place(gps: dict[int, Any]) -> dict[str, float]:
    latitude = _degrees(gps.get(2), gps.get(1), "NS", 90)
    longitude = _degrees(gps.get(4), gps.get(3), "EW", 180)
    if latitude is None or longitude is None:
        return {}
    return {"latitude": latitude, "longitude": longitude}


def _degrees(value: Any, reference: Any, letters: str, limit: int) -> float | None:
    """Degrees, minutes and seconds as degrees, positive for the first of `letters`.

    None where they are invalid or more than `limit`.
    """
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3:
        return None
    direction = (fields.text(reference) or "").upper()
    if direction not in tuple(letters):
        return None
    return fields.degrees(value, direction == letters[1], limit)
