"""Parses dates as people write them.

All times are local: a picture's date is the time of a clock at the place where it was taken, and
"yesterday" is relative to the service's clock.

    2023, 2023-05, 2023-05-17, 2023-05-17T14:30     ISO 8601, also with "/", ".", "_" or ":" between
    20230517, 202305, 20230517T1430                 the same without signs between
    last summer, summer 2022, this winter           seasons of the northern hemisphere, of three
                                                    months each; "last" is the latest that is over;
                                                    a winter has the year of its December
    yesterday, last week, May 2023, 3 weeks ago …   by dateparser, in English. "last week", "this
                                                    month" and "2021" mean all of it; "3 weeks ago"
                                                    means one day

Ambiguous dates (03/04/2023) and dates that don't exist (31 February) are refused.
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta
from typing import NamedTuple

from csearchd import limits
from csearchd.errors import DateError
from csearchd.reasons import query as reasons

FIRST, LAST = datetime.min, datetime.max

_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}  # first month of three
_SEASON = re.compile(
    rf"(?:(last|this|the)\s+)?({'|'.join(_SEASONS)})(?:\s+(?:of\s+)?(\d{{4}}))?", re.IGNORECASE
)
_ISO = re.compile(
    r"(\d{4})(?:([-/._:])(\d{1,2})(?:\2(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?)?)?)?"
)
_COMPACT = re.compile(
    r"(\d{4})()(\d{2})(?:(\d{2})(?:[T _-]?(\d{2}):?(\d{2})(?::?(\d{2}))?)?)?", re.IGNORECASE
)
_YEARS = range(1800, 2200)  # that a number without signs begins with, if it begins with a year
_DAY_AND_MONTH = re.compile(r"(\d{1,2})([-/._ ]?)(\d{1,2})\2(\d{2}|\d{4})")
_NUMBER = re.compile(r"\d+")
_AGO = re.compile(r"\bago\b|\bin (?:\d+|an?) [a-z]", re.IGNORECASE)
_VAGUE = re.compile(r"\d+s\b|decade|centur|\b(?![aA]\b)[^\W\d]\b", re.IGNORECASE)
_EXAMPLES = "2023, 2023-05, 2023-05-17, May 2023, yesterday, 3 weeks ago or last summer"


class Period(NamedTuple):
    """From `start` up to, but not including, `end`; local times without a zone."""

    start: datetime
    end: datetime


def period(text: str, now: datetime) -> Period:
    """Parses a single date, relative to `now`. Raises DateError."""
    if len(text) > limits.DATE:
        raise DateError(reasons.DATE_TOO_LONG(length=len(text), limit=limits.DATE))
    text = " ".join(text.split())
    if match := _ISO.fullmatch(text):
        return _iso(text, match)
    if match := _SEASON.fullmatch(text):
        return _season(match, now)
    if (match := _COMPACT.fullmatch(text)) and int(match[1]) in _YEARS and int(match[3]) <= 12:
        if len(text) == 6:
            _refuse_short_year(text)
        return _iso(text, match)
    if (match := _DAY_AND_MONTH.fullmatch(text)) and (match[2] or len(text) in (6, 8)):
        return _numeric(text, match)
    return _human(text, now)


def span(text: str, now: datetime) -> Period:
    """Parses `A..B` or a single date, relative to `now`. Raises DateError.

    A and B are included, and one of them may be missing.
    """
    first, dots, last = text.partition("..")
    if not dots:
        return period(text, now)
    if not first.strip() and not last.strip():
        raise DateError(reasons.NO_DATE_IN_RANGE())
    start = period(first, now).start if first.strip() else FIRST
    end = period(last, now).end if last.strip() else LAST
    if start >= end:
        raise DateError(reasons.REVERSED_DATES(first=first, last=last))
    return Period(start, end)


def _iso(text: str, match: re.Match[str]) -> Period:
    year, _, month, day, hour, minute, second = match.groups()
    numbers = [int(part) for part in (year, month, day, hour, minute, second) if part is not None]
    try:
        start = datetime(*[*numbers, *(1, 1)[max(0, len(numbers) - 1) :]])  # type: ignore[arg-type]
        if second:
            return Period(start, start + timedelta(seconds=1))
        if minute:
            return Period(start, start + timedelta(minutes=1))
        return _unit("day" if day else "month" if month else "year", start)
    except (ValueError, OverflowError):
        raise DateError(reasons.NO_SUCH_DATE(text=text)) from None


def _refuse_short_year(text: str) -> None:
    """Raises DateError if six digits may be a year and a month, and a day with a short year, too:
    200112 is December 2001 or 12 January 2020."""
    year, month, day = (int(text[at : at + 2]) for at in (0, 2, 4))
    try:
        short = datetime(2000 + year, month, day)
    except ValueError:
        return
    ways = (f"{text[:4]}-{text[4:]}", f"{short:%Y-%m-%d}")
    raise DateError(reasons.AMBIGUOUS_DATE(text=text, first=ways[0], second=ways[1]))


def _numeric(text: str, match: re.Match[str]) -> Period:
    """17.5.2023 or 5/17/2023, if only one of the numbers can be the month. Raises DateError."""
    first, second, year = (int(match[number]) for number in (1, 3, 4))
    if len(match[4]) == 2:
        raise DateError(reasons.AMBIGUOUS_YEAR(text=text, example="2023-05-17"))
    if first <= 12 and second <= 12 and first != second:
        ways = (f"{year:04}-{first:02}-{second:02}", f"{year:04}-{second:02}-{first:02}")
        raise DateError(reasons.AMBIGUOUS_DATE(text=text, first=ways[0], second=ways[1]))
    month, day = (first, second) if second > 12 else (second, first)
    try:
        return _unit("day", datetime(year, month, day))
    except (ValueError, OverflowError):
        raise DateError(reasons.NO_SUCH_DATE(text=text)) from None


def _season(match: re.Match[str], now: datetime) -> Period:
    which, name, year = (match[1] or "").lower(), match[2].lower(), match[3]
    month = _SEASONS[name]
    try:
        if year:
            return _months(int(year), month)
        found = _months(now.year, month)
        if found.start > now:  # it hasn't begun this year
            found = _months(now.year - 1, month)
        if which == "last" and found.end > now:
            found = _months(found.start.year - 1, month)
        return found
    except (ValueError, OverflowError):
        raise DateError(reasons.NO_SUCH_DATE(text=match[0])) from None


def _months(year: int, month: int) -> Period:
    start = datetime(year, month, 1)
    return Period(start, datetime(year + (month + 3 > 12), (month + 2) % 12 + 1, 1))


def _human(text: str, now: datetime) -> Period:
    from dateparser.date import DateDataParser  # only when needed: it takes 0.1 s and 15 MB

    for number in _NUMBER.findall(text):
        # dateparser would take "May 45" for a year.
        if not _AGO.search(text) and len(number) < 4 and ":" not in text and int(number) > 31:
            raise DateError(reasons.NO_SUCH_DATE(text=text))
    parser = DateDataParser(
        languages=["en"],
        settings={
            "RELATIVE_BASE": now,
            "PREFER_DATES_FROM": "past",
            "RETURN_TIME_AS_PERIOD": True,
            "REQUIRE_PARTS": [],
            # Every time is local, wherever that is: TZ may be one of no known name.
            "TIMEZONE": "UTC",
        },
    )
    refused = text.isdecimal() or text in "aA" or _VAGUE.search(text)
    try:
        found = None if refused else parser.get_date_data(text)
    except (ValueError, OverflowError):  # beyond the calendar
        raise DateError(reasons.NO_SUCH_DATE(text=text)) from None
    if found is None or found.date_obj is None:
        raise DateError(reasons.NOT_A_DATE(text=text, examples=_EXAMPLES))
    unit = found.period
    if _AGO.search(text) and unit != "time":
        unit = "day"
    try:
        return _unit(unit, found.date_obj.replace(tzinfo=None))
    except (ValueError, OverflowError):
        raise DateError(reasons.NO_SUCH_DATE(text=text)) from None


def _unit(unit: str, moment: datetime) -> Period:
    """The year, month, week (from Monday), day or minute that contains `moment`."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "year":
        return Period(datetime(day.year, 1, 1), datetime(day.year + 1, 1, 1))
    if unit == "month":
        start = day.replace(day=1)
        return Period(start, start + timedelta(calendar.monthrange(day.year, day.month)[1]))
    if unit == "week":
        start = day - timedelta(day.weekday())
        return Period(start, start + timedelta(7))
    if unit == "time":
        start = moment.replace(second=0, microsecond=0)
        return Period(start, start + timedelta(minutes=1))
    return Period(day, day + timedelta(1))
