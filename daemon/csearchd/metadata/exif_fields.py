"""The values in a picture's EXIF data that filters and displays use (EXIF 2.32)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from csearchd.metadata import fields
from csearchd.metadata.dates import stated
from csearchd.metadata.exif import exif_orientation
from csearchd.metadata.exif_directories import Directory, Exif
from csearchd.metadata.texts.camera_phrases import is_invented
from csearchd.metadata.texts.charsets import decoded_alike
from csearchd.metadata.texts.exif_texts import user_comment, windows_text
from csearchd.metadata.texts.keywords import keywords

_LENS, _MAKE, _MODEL, _DESCRIPTION, _COMMENT = 42036, 271, 272, 270, 37510
_SECONDS, _STOP, _MILLIMETRES = 33434, 33437, 37386
_ISO, _ISO_KIND, _OUTPUT, _INDEX, _SPEED = 34855, 34864, 34865, 34866, 34867
_BELOW = (b"\1", b"\3")  # the sea, or the ellipsoid since EXIF 3.0
_IMAGE_TITLE = 0xA436  # since EXIF 3.0
_STARS, _PERCENT = 0x4746, 0x4749  # as Windows and Nikon write them
_XP_TITLE, _XP_COMMENT, _XP_KEYWORDS, _XP_SUBJECT = 0x9C9B, 0x9C9C, 0x9C9E, 0x9C9F


def from_exif(exif: Exif) -> dict[str, Any]:
    """The fields of csearchd.metadata.record that EXIF data give."""
    tags, gps = exif.tags, exif.gps
    texts = _texts(tags, _MAKE, _MODEL, _LENS, _IMAGE_TITLE, _DESCRIPTION)
    camera = [fields.text(texts.get(tag)) for tag in (_MAKE, _MODEL)]
    height = fields.altitude(fields.number(gps.get(6)), gps.get(5) in _BELOW)
    return fields.known(
        {
            "dates": stated.in_exif(tags.get, gps.get),
            "make": camera[0],
            "model": camera[1],
            "lens": fields.text(texts.get(_LENS)),
            "iso": _film_speed(tags),
            **fields.exposure(tags.get(_SECONDS), tags.get(_STOP), tags.get(_MILLIMETRES)),
            **_place(gps),
            "altitude": height,
            "orientation": exif_orientation(exif),
            "title": _first(
                [texts.get(_IMAGE_TITLE), windows_text(tags.get(_XP_TITLE))],
                fields.MAX_TEXT,
                camera,
            ),
            "description": _first(
                [
                    texts.get(_DESCRIPTION),
                    windows_text(tags.get(_XP_COMMENT)),
                    user_comment(tags.get(_COMMENT), exif.order),
                    windows_text(tags.get(_XP_SUBJECT)),
                ],
                fields.MAX_DESCRIPTION,
                camera,
            ),
            "rating": fields.rating(tags.get(_STARS), tags.get(_PERCENT)),
            "keywords": keywords(((windows_text(tags.get(_XP_KEYWORDS)) or "").split(";"), "/")),
        }
    )


def _texts(tags: Directory, *wanted: int) -> dict[int, str]:
    """Texts by their tags, up to the first NUL. EXIF says ASCII, cameras write anything."""
    found = {tag: value for tag in wanted if isinstance(value := tags.get(tag), bytes)}
    whole = [value.partition(b"\0")[0] for value in found.values()]
    return dict(zip(found, decoded_alike(whole), strict=True))


def _first(texts: Sequence[str | None], limit: int, camera: list[str | None]) -> str | None:
    """The first text that a person may have written."""
    tidy = (fields.tidy(text or "", limit) for text in texts)
    return next((text for text in tidy if text and not is_invented(text, *camera)), None)


def _film_speed(tags: Directory) -> int | None:
    """The ISO speed. A tag of 16 bits tells up to 65,534; above, it has 65,535 and another tag
    tells, depending on how the speed was measured (EXIF 3.0, SensitivityType)."""
    return fields.film_speed(
        tags.get(_ISO), tags.get(_INDEX), tags.get(_OUTPUT), tags.get(_SPEED), tags.get(_ISO_KIND)
    )


def _place(gps: Directory) -> dict[str, float]:
    return fields.place(
        _degrees(gps.get(2), gps.get(1), "NS", 90), _degrees(gps.get(4), gps.get(3), "EW", 180)
    )


def _degrees(value: Any, reference: Any, letters: str, limit: int) -> float | None:
    """Degrees, minutes and seconds as degrees, positive for the first of `letters`.

    Degrees may stand alone. Those that follow may be without a value (0/0), which exiv2 takes for 0
    and exiftool for no place at all. None where they are invalid or more than `limit`.
    """
    parts = list(value if isinstance(value, tuple) else (value,))[:3]
    direction = (fields.text(reference) or "")[:1].upper()
    if direction not in tuple(letters):
        return None
    while len(parts) > 1 and parts[-1] != parts[-1]:  # NaN
        parts.pop()
    return fields.degrees(tuple(parts), direction == letters[1], limit)
