"""A date as exact as it was stated, and the texts that state one.

Read are the forms of EXIF ("2023:05:14 10:11:12"), XMP (ISO 8601) and IPTC ("20230514"), and what
programs make of them: parts left blank or zero are unknown, an offset or a fraction may follow, and
24:00 and :60 are the beginning of the next day or minute. Years of two digits, and dates in another
order, are read where they can mean but one day.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

_TEXT = re.compile(
    r"(\d{4})(?:[-:/.](\d{1,2})(?:[-:/.](\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?)?)?)?"
    r"\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?(?!\d)",
    re.IGNORECASE,
)
_COMPACT = re.compile(
    r"(\d{4})(\d\d)(\d\d)(?:[T ]?(\d\d)(\d\d)(\d\d)?(?:[.,](\d+))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?",
    re.IGNORECASE,
)
_ANY_ORDER = re.compile(  # a year of two digits, or one that stands last
    r"(\d{1,2})(?P<mark>[-:/.])(\d{1,2})(?P=mark)(\d{2}|\d{4})"
    r"(?:[T ]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?"
    r"\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?",
    re.IGNORECASE,
)
_BLANK = re.compile(r"[-:/.T\s]*")
_OFFSET = re.compile(r"([+-])(\d\d)(?::?(\d\d))?")
_MAX_EAST = 14 * 60  # minutes


class Unit(IntEnum):
    """The last part of a date that is known."""

    SECOND = 0
    DAY = 1
    MONTH = 2
    YEAR = 3


_WRITTEN = {Unit.SECOND: 19, Unit.DAY: 10, Unit.MONTH: 7, Unit.YEAR: 4}  # characters of ISO 8601


class Moment(NamedTuple):
    """A local time; `offset`, in minutes east of UTC, and the milliseconds may be unknown."""

    time: datetime  # the beginning of the second, day, month or year; without a zone
    unit: Unit = Unit.SECOND
    milliseconds: int | None = None
    offset: int | None = None
    to_the_minute: bool = False  # of a time: its second wasn't told

    def __str__(self) -> str:
        """ISO 8601, as far as it is known: "2023-05-14T10:11:12", "2023-05-14", "2023"."""
        return self.time.isoformat(timespec="seconds")[: _WRITTEN[self.unit]]

    @property
    def utc(self) -> datetime | None:
        """The same in UTC; None where that is unknown."""
        if self.offset is None or self.unit is not Unit.SECOND:
            return None
        try:
            return self.time - timedelta(minutes=self.offset)
        except OverflowError:
            return None


def parse(text: str, offset: str | None = None, fraction: str | None = None) -> Moment | None:
    """The date in a text; None where there is none, or one that doesn't exist.

    `offset` ("+05:30") and `fraction` (the digits of a fraction of a second) are of other fields;
    what the text itself says goes before.
    """
    text = text.strip()
    match = _TEXT.match(text)
    if match is None or not (match[5] or _BLANK.fullmatch(text, match.end())):
        match = _COMPACT.fullmatch(text)
    if match:
        digits, zone = list(match.groups()[:6]), match[8]
        fraction = match[7] or fraction
    else:
        match = _ANY_ORDER.fullmatch(text)
        if match is None or (match["mark"] == ":" and not match[5]):  # that is a clock
            return None
        day = in_order(match[1], match[3], match[4], match["mark"])
        if day is None:
            return None
        digits, zone = [f"{day.year:04}", f"{day:%m}", f"{day:%d}", *match.groups()[4:7]], match[9]
        fraction = match[8] or fraction
    east = minutes_east(zone)
    return from_parts(
        *digits, fraction=fraction, offset=minutes_east(offset) if east is None else east
    )


def in_order(first: str, middle: str, last: str, mark: str) -> date | None:
    """The day that three numbers with a `mark` between them mean; None where that isn't sure.

    EXIF's colons stand between year, month and day; dots between day, month and year. A year of two
    digits is one that has been.
    """
    day_first = _day(last, middle, first)
    year_first = _day(first, middle, last)
    preferred = {":": year_first, ".": day_first}.get(mark)
    known = {day for day in (day_first, year_first, _day(last, first, middle)) if day}
    return preferred or (known.pop() if len(known) == 1 else None)


def _day(year: str, month: str, day: str) -> date | None:
    if len(day) > 2 or len(year) not in (2, 4):
        return None
    number, now = int(year), datetime.now().year
    if len(year) == 2:
        number += now // 100 * 100
        number -= 100 * (number > now)
    try:
        return date(number, int(month), int(day))
    except ValueError:
        return None


def from_parts(
    year: str,
    month: str | None = None,
    day: str | None = None,
    hour: str | None = None,
    minute: str | None = None,
    second: str | None = None,
    *,
    fraction: str | None = None,
    offset: int | None = None,
) -> Moment | None:
    """A moment of its digits, of which all from one on may be None; None if it doesn't exist.

    A month or day of 0 is unknown, and so is all that follows.
    """
    try:
        if not month or not int(month):
            return Moment(datetime(int(year), 1, 1), Unit.YEAR)
        if not day or not int(day):
            return Moment(datetime(int(year), int(month), 1), Unit.MONTH)
        midnight = datetime(int(year), int(month), int(day))
        if not hour:
            return Moment(midnight, Unit.DAY)
        clock = int(hour), int(minute or 0), int(second or 0)
        if clock[0] > 24 or max(clock[1:]) > 60:
            return None
        time = midnight + timedelta(hours=clock[0], minutes=clock[1], seconds=clock[2])
    except (ValueError, OverflowError):
        return None
    digits = fraction.strip() if fraction else ""
    known = digits.isascii() and digits.isdecimal()
    milliseconds = int(f"{digits}00"[:3]) if known else None
    return Moment(time, Unit.SECOND, milliseconds, offset, to_the_minute=not second)


def minutes_east(offset: str | None) -> int | None:
    """Minutes east of UTC, of "+05:30", "-0800", "+02" or "Z"; None for anything else."""
    if offset and offset.upper() in ("Z", "UTC", "GMT"):
        return 0
    match = _OFFSET.fullmatch(offset or "")
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return (minutes if match[1] == "+" else -minutes) if minutes <= _MAX_EAST else None
