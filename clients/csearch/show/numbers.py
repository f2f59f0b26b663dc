"""Formats counts, sizes, durations and rates for people."""

from __future__ import annotations


def count(number: int, noun: str = "") -> str:
    """1234, "picture" → "1,234 pictures"; "query" → "1,234 queries"."""
    if not noun:
        return f"{number:,}"
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("y") else f"{number:,} {noun}s"


def size(number: float) -> str:
    """Bytes, in decimal units: 1234567 → "1.2 MB"."""
    if number < 1000:
        return count(int(number), "byte")
    units = iter(("kB", "MB", "GB", "TB"))
    while number >= 999.5:
        number /= 1000
        unit = next(units)
    return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"


def duration(seconds: float) -> str:
    """75 → "1 min 15 s"."""
    whole = max(round(seconds), 0)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def rate(per_second: float) -> str:
    """12.34 → "12.3/s"."""
    return f"{per_second:.0f}/s" if per_second >= 20 else f"{per_second:.1f}/s"
