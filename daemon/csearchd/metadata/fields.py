"""Values from files, cleaned and checked; an invalid one becomes None."""

from __future__ import annotations

import math
from typing import Any

MAX_TEXT = 200  # characters of a name or a keyword
MAX_DESCRIPTION = 2000
MAX_KEYWORDS = 500  # of a file
_MAX_LEVELS = 16  # of a hierarchical keyword
_INTERNAL = "_Digikam_Internal_Tags_"  # the top of the tags that digiKam uses itself


def text(value: Any, limit: int = MAX_TEXT) -> str | None:
    """A text or bytes up to the first NUL, as `tidy` gives it; None for any other type."""
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
    """The text, trimmed, at most `limit` characters; None if nothing is left.

    Runs of blanks and control characters become one blank.
    """
    printable = "".join(c if c.isprintable() else " " for c in value[: 8 * limit])
    return " ".join(printable.split())[:limit].rstrip() or None


def keyword(value: str, separator: str | None) -> list[str]:
    """The keywords that a keyword gives: a path becomes "a/b" and, by itself, its last level.

    `separator` stands between the levels of a path; None: it is no path. Empty where nothing is
    left.
    """
    levels = value.split(separator, _MAX_LEVELS) if separator else [value]
    named = [level for level in map(tidy, levels) if level]
    if not named or named[0] == _INTERNAL:
        return []
    return ["/".join(named), named[-1]] if len(named) > 1 else named


def number(value: Any) -> float | None:
    """A finite number; None for anything else."""
    try:
        found = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return found if math.isfinite(found) else None


def iso(value: Any) -> int | None:
    """A film speed (ISO), or the first of several; None where it is no plausible integer."""
    if isinstance(value, tuple) and value:
        value = value[0]
    return value if isinstance(value, int) and 0 < value < 10_000_000 else None


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
    """The fields without those that are None or an empty list."""
    return {key: value for key, value in found.items() if value is not None and value != []}
