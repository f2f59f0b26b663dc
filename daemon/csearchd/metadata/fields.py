"""Values from files, cleaned and checked; an invalid one becomes None."""

from __future__ import annotations

import math
from typing import Any

from csearchd.metadata.texts import charsets
from csearchd.spelling import composed

MAX_TEXT = 200  # characters of a name or a keyword
MAX_DESCRIPTION = 2000
MAX_KEYWORDS = 500  # of a file
_NO_ROOM = 65535  # a film speed that is larger
# What is more is no value of a camera, but rubbish.
_MOST_SECONDS, _MOST_STOP, _MOST_MILLIMETRES = 86_400, 1000, 100_000


def text(value: Any, limit: int = MAX_TEXT) -> str | None:
    """A text or bytes up to the first NUL, as `tidy` gives it; None for any other type."""
    if isinstance(value, bytes):
        value = charsets.decoded(value.partition(b"\0")[0][: 8 * limit])
    return tidy(value.partition("\0")[0], limit) if isinstance(value, str) else None


def tidy(value: str, limit: int = MAX_TEXT) -> str | None:
    """The text, composed (NFC) and trimmed, at most `limit` characters; None if nothing is left.

    Runs of blanks and control characters become one blank.
    """
    whole = composed(value[: 8 * limit])
    printable = "".join(c if c.isprintable() else " " for c in whole)
    return " ".join(printable.split())[:limit].rstrip() or None


def number(value: Any) -> float | None:
    """A finite number; None for anything else."""
    try:
        found = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return found if math.isfinite(found) else None


def film_speed(
    speed: Any, index: Any = None, output: Any = None, own: Any = None, kind: Any = None
) -> int | None:
    """A film speed (ISO), or the first of several; None where none is a plausible integer.

    Where `speed` has no room for it (65,535), it is the recommended exposure `index`, or the
    sensitivity of the `output`, or the ISO speed of its `own`, in the order that SensitivityType
    (`kind`) says.
    """
    found = _speed(speed)
    if found is not None and found != _NO_ROOM:
        return found
    others = {1: (output, index, own), 3: (own, index, output), 5: (output, own, index)}
    order = others.get(kind, (index, output, own))
    return next((one for one in map(_speed, order) if one), found)


def _speed(value: Any) -> int | None:
    if isinstance(value, tuple) and value:
        value = value[0]
    return value if isinstance(value, int) and 0 < value < 10_000_000 else None


def exposure(seconds: Any, aperture: Any, focal_length: Any) -> dict[str, float | None]:
    """The fields of how a picture was taken: seconds, f-number and millimetres, with six digits.

    None for what is none or can't be.
    """
    return {
        "exposure": _measure(seconds, _MOST_SECONDS),
        "aperture": _measure(aperture, _MOST_STOP),
        "focal_length": _measure(focal_length, _MOST_MILLIMETRES),
    }


def _measure(value: Any, most: float) -> float | None:
    if isinstance(value, tuple) and value:
        value = value[0]
    if not isinstance(value, int | float) or not 0 < value <= most:  # nor NaN
        return None
    return float(f"{value:.6g}")


def place(latitude: float | None, longitude: float | None) -> dict[str, float]:
    """The fields of a place; empty without one, and at 0, 0, which stands for none."""
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return {}
    return {"latitude": latitude, "longitude": longitude}


def rating(stars: Any, percent: Any) -> int | None:
    """Stars, -1 to 5, or those that Windows gives in per cent; None without a valid number."""
    found = number(stars)
    if found is not None and -1 <= found <= 5:
        return int(found)
    found = number(percent)
    if found is None or not 0 <= found <= 100:
        return None
    return 0 if found == 0 else 1 + int((found + 12) // 25)  # 1, 25, 50, 75, 99


def degrees(parts: tuple[Any, ...], negative: bool, limit: int) -> float | None:
    """Degrees, and minutes and seconds if there are any, as degrees with seven decimals.

    None where a part is invalid or the sum is more than `limit`.
    """
    total = 0.0
    for index, part in enumerate(parts):
        found = number(part)
        if found is None or found < 0:
            return None
        total += found / 60**index
    if total > limit:
        return None
    return round(-total if negative else total, 7)


def altitude(metres: float | None, below: bool) -> float | None:
    """Metres above the sea with two decimals, negative if `below`; None where implausible."""
    if metres is None or abs(metres) > 100_000:
        return None
    return round(-metres if below else metres, 2)


def known(found: dict[str, Any]) -> dict[str, Any]:
    """The fields without those that are None or an empty list or dictionary."""
    return {
        key: value for key, value in found.items() if value is not None and value not in ([], {})
    }
