"""What each source of metadata states of dates: its fields, and what they mean.

The meanings of the fields are those of EXIF 2.32 (4.6.5, 4.6.6), XMP part 2, IPTC-IIM 4.2 and the
Metadata Working Group's guidance (5.4).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

from csearchd.metadata import fields
from csearchd.metadata.dates.moment import Moment, in_order, parse

SOURCES = ("sidecar", "takeout", "exif", "xmp", "iptc", "gps", "name")
"""Where a date may be from, the most important first among dates of one meaning."""


Value: TypeAlias = Callable[[int], Any]
"""Gives the value of a tag by its number; None where there is none."""


class Meaning(IntEnum):
    """What happened then, the most important first."""

    TAKEN = 0
    DIGITISED = 1
    CHANGED = 2
    LOCATED = 3  # when a satellite receiver last knew where it was


class StatedDate(NamedTuple):
    """A date that metadata state."""

    meaning: Meaning
    source: str  # one of SOURCES
    moment: Moment


# Tags of a date, of its fraction of a second and of its time zone
_EXIF = (
    (Meaning.TAKEN, 36867, 37521, 36881),
    (Meaning.DIGITISED, 36868, 37522, 36882),
    (Meaning.CHANGED, 306, 37520, 36880),
)
_GPS_TIME, _GPS_DATE = 7, 29
_FIRST_YEAR = 1826  # of the oldest photograph that is left
_XMP = (
    (Meaning.TAKEN, ("exif:DateTimeOriginal", "photoshop:DateCreated")),
    (Meaning.DIGITISED, ("exif:DateTimeDigitized", "xmp:CreateDate")),
    (Meaning.CHANGED, ("xmp:ModifyDate", "tiff:DateTime")),
    (Meaning.LOCATED, ("exif:GPSTimeStamp",)),
)
XMP_NAMES = tuple(name for _, names in _XMP for name in names)
# Data sets of a date and of its time
_IPTC = ((Meaning.TAKEN, (2, 55), (2, 60)), (Meaning.DIGITISED, (2, 62), (2, 63)))
IPTC_NUMBERS = frozenset(number for _, *numbers in _IPTC for number in numbers)


def in_exif(tag_value: Value, gps_value: Value) -> list[StatedDate]:
    """The dates in EXIF data, of which the arguments give values: of tags, and of GPS's tags."""
    found = []
    for meaning, tag, fraction, zone in _EXIF:
        text, *others = (fields.text(tag_value(each)) for each in (tag, zone, fraction))
        if moment := parse(text or "", *others):
            found.append(StatedDate(meaning, "exif", moment))
    if moment := _of_satellites(gps_value):
        found.append(StatedDate(Meaning.LOCATED, "gps", moment))
    return found


def _of_satellites(value: Value) -> Moment | None:
    """GPSDateStamp and GPSTimeStamp (hours, minutes and seconds), which are in UTC."""
    day = parse(fields.text(value(_GPS_DATE)) or "")
    clock = value(_GPS_TIME)
    if day is None or not isinstance(clock, tuple) or len(clock) != 3:
        return day
    hours, minutes, seconds = (fields.number(part) for part in clock)
    if hours is None or minutes is None:
        return day
    seconds = seconds or 0.0  # 0/0 stands for none
    if not (0 <= hours <= 24 and 0 <= minutes <= 60 and 0 <= seconds <= 60):
        return day
    try:
        time = day.time + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return day
    return Moment(time.replace(microsecond=0), milliseconds=time.microsecond // 1000, offset=0)


def in_xmp(first: Callable[[str], str | None]) -> list[StatedDate]:
    """The dates in an XMP packet; `first` gives the text of a property, one of XMP_NAMES."""
    found = []
    for meaning, names in _XMP:
        for name in names:
            if moment := parse(first(name) or ""):
                source = "gps" if meaning is Meaning.LOCATED else "xmp"
                found.append(StatedDate(meaning, source, moment))
    return found


def in_iptc(first: Callable[[tuple[int, int]], str]) -> list[StatedDate]:
    """The dates in IPTC data; `first` gives the text of a data set, one of IPTC_NUMBERS, or ""."""
    found = []
    for meaning, date, time in _IPTC:
        # Some programs write the separators of other formats.
        day, clock = first(date).strip().replace("-", ""), first(time).strip().replace(":", "")
        day = _with_century(day, bool(clock.strip("0")))
        if moment := parse(f"{day}T{clock}") or parse(day):
            found.append(StatedDate(meaning, "iptc", moment))
    return found


def _with_century(day: str, has_clock: bool) -> str:
    """A date of six digits as one of eight, unless it may be a year and a month."""
    if len(day) != 6 or not day.isascii() or not day.isdecimal():
        return day
    year, month = int(day[:4]), int(day[4:])
    if not has_clock and _FIRST_YEAR <= year <= datetime.now().year and 1 <= month <= 12:
        return day
    found = in_order(day[:2], day[2:4], day[4:], ":")
    return f"{found.year:04}{found:%m%d}" if found else day


def at_second(seconds: int) -> Moment | None:
    """A moment in UTC, of seconds since 1970; None beyond the calendar."""
    try:
        return Moment(datetime(1970, 1, 1) + timedelta(seconds=seconds), offset=0)
    except OverflowError:
        return None
