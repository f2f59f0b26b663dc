"""Values as files have them, made tidy. What isn't right is None."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

MAX_TEXT = 200  # characters of a name or a keyword
MAX_DESCRIPTION = 2000
MAX_KEYWORDS = 500  # of a file
_MAX_LEVELS = 16  # of a keyword's path
_INTERNAL = "_Digikam_Internal_Tags_"  # marks that digiKam makes for itself
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def text(value: Any, limit: int = MAX_TEXT) -> str | None:
    """Up to the first NUL, control characters as blanks, trimmed; None if nothing is left."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        return None
    value = value.partition("\0")[0][: 8 * limit]
    try:
        value = value.encode("latin-1").decode("utf-8")  # EXIF says ASCII, cameras write UTF-8
    except UnicodeError:
        pass
    return tidy(value, limit)


def tidy(value: str, limit: int = MAX_TEXT) -> str | None:
    """Control characters and runs of blanks as one blank, trimmed; None if nothing is left."""
    printable = "".join(c if c.isprintable() else " " for c in value[: 8 * limit])
    return " ".join(printable.split())[:limit].rstrip() or None


def keyword(value: str, separator: str | None) -> list[str]:
    """A keyword as it is kept: one that is a path as `a/b` and, by itself, as its last level."""
    levels = value.split(separator, _MAX_LEVELS) if separator else [value]
    named = [level for level in map(tidy, levels) if level]
    if not named or named[0] == _INTERNAL:
        return []
    return ["/".join(named), named[-1]] if len(named) > 1 else named


def moment(parts: tuple[str | None, ...], offset: str | None = None) -> dict[str, Any]:
    """`taken` and `utc_offset` of year, month, day, hour, minute, second; the rest may be None."""
    defaults = ("", "1", "1", "0", "0", "0")
    numbers = [int(part or least) for part, least in zip(parts, defaults, strict=True)]
    try:
        taken = datetime(*numbers)  # type: ignore[arg-type]
    except ValueError:
        return {}
    known = {"taken": taken.isoformat(), "utc_offset": minutes_east(offset)}
    return {key: value for key, value in known.items() if value is not None}


def minutes_east(offset: str | None) -> int | None:
    """Minutes of "+05:30", "-0800" or "Z"."""
    if offset == "Z":
        return 0
    match = _OFFSET.fullmatch(offset or "")
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    return (minutes if match[1] == "+" else -minutes) if minutes <= 14 * 60 else None


def number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return found if math.isfinite(found) else None


def iso(value: Any) -> int | None:
    if isinstance(value, tuple) and value:
        value = value[0]
    return value if isinstance(value, int) and 0 < value < 10_000_000 else None


def degrees(parts: tuple[Any, ...], negative: bool, limit: int) -> float | None:
    """Degrees, minutes and seconds as degrees."""
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
    if metres is None or abs(metres) > 100_000:
        return None
    return round(-metres if below else metres, 2)


def known(found: dict[str, Any]) -> dict[str, Any]:
    """Without what isn't known."""
    return {key: value for key, value in found.items() if value is not None and value != []}
