"""What a picture's EXIF data say that filters and displays use. What isn't right is left out."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image

from csearchd.encode.exif import orientation

_MAX_TEXT = 200
_DATE = re.compile(r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?")
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
# When it was taken: the tag, and that of its time zone, best first (EXIF 2.32)
_TIMES = ((36867, 36881), (36868, 36882), (306, 36880))
_ISO, _LENS, _MAKE, _MODEL = 34855, 42036, 271, 272


def read_metadata(exif: Image.Exif) -> dict[str, Any]:
    """Of these keys the ones that are known:

    taken       local time, "YYYY-MM-DDTHH:MM:SS"
    utc_offset  minutes east of UTC, of `taken`
    make, model, lens, iso
    latitude, longitude     degrees, north and east positive
    altitude    metres above the sea
    orientation 1 to 8, as EXIF has it
    """
    tags = {**_directory(exif, ExifTags.IFD.Exif), **dict(exif)}
    gps = _directory(exif, ExifTags.IFD.GPSInfo)
    found = {
        **_taken(tags),
        "make": _text(tags.get(_MAKE)),
        "model": _text(tags.get(_MODEL)),
        "lens": _text(tags.get(_LENS)),
        "iso": _iso(tags.get(_ISO)),
        **_place(gps),
        "altitude": _altitude(gps),
        "orientation": orientation(exif),
    }
    return {key: value for key, value in found.items() if value is not None}


def _directory(exif: Image.Exif, which: ExifTags.IFD) -> dict[int, Any]:
    try:
        return dict(exif.get_ifd(which))
    except MemoryError:
        raise
    except Exception:  # a parser in the hands of a hostile file raises anything
        return {}


def _taken(tags: dict[int, Any]) -> dict[str, Any]:
    for tag, zone in _TIMES:
        match = _DATE.match(_text(tags.get(tag)) or "")
        if match is None:
            continue
        try:
            taken = datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
        except ValueError:
            continue
        return {"taken": taken.isoformat(), "utc_offset": _offset(tags.get(zone))}
    return {}


def _offset(value: Any) -> int | None:
    match = _OFFSET.fullmatch(_text(value) or "")
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    return (minutes if match[1] == "+" else -minutes) if minutes <= 14 * 60 else None


def _text(value: Any) -> str | None:
    """Up to the first NUL, control characters as blanks, trimmed; None if nothing is left."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        return None
    value = value.partition("\0")[0]
    try:
        value = value.encode("latin-1").decode("utf-8")  # EXIF says ASCII, cameras write UTF-8
    except UnicodeError:
        pass
    printable = "".join(c if c.isprintable() else " " for c in value[:_MAX_TEXT])
    return " ".join(printable.split()) or None


def _iso(value: Any) -> int | None:
    if isinstance(value, tuple) and value:
        value = value[0]
    return value if isinstance(value, int) and 0 < value < 10_000_000 else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if math.isfinite(number) else None


def _place(gps: dict[int, Any]) -> dict[str, float]:
    latitude = _degrees(gps.get(2), gps.get(1), "NS", 90)
    longitude = _degrees(gps.get(4), gps.get(3), "EW", 180)
    if latitude is None or longitude is None:
        return {}
    return {"latitude": latitude, "longitude": longitude}


def _degrees(value: Any, reference: Any, letters: str, limit: int) -> float | None:
    """Degrees, minutes and seconds as degrees; positive for the first of `letters`."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3:
        return None
    direction = (_text(reference) or "").upper()
    if direction not in tuple(letters):
        return None
    total = 0.0
    for index, part in enumerate(value):
        number = _number(part)
        if number is None or number < 0:
            return None
        total += number / 60**index
    if total > limit:
        return None
    return round(total if direction == letters[0] else -total, 7)


def _altitude(gps: dict[int, Any]) -> float | None:
    metres = _number(gps.get(6))
    if metres is None or abs(metres) > 100_000:
        return None
    below = gps.get(5) in (1, b"\1")
    return round(-metres if below else metres, 2)
