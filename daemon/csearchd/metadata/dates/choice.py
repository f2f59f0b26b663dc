"""Which of the dates that are stated of a picture is its own.

What a date means counts before where it is from: a date of taking before one of digitising before
one of a change. Among equals the source decides, in the order of csearchd.metadata.dates.stated.

- Dates before photography, more than a day in the future, and those that cameras invent when their
  clocks aren't set, count only where nothing better is known: no other date, none in the file's
  name.
- Some programs tell local times in UTC, or by the clock of their computer. Where another source
  tells the same moment by the clock of the place, that clock counts: the picture was taken on the
  day that it was there.
- A source may know only the day, and another of the same meaning the time of that day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from csearchd.metadata.dates.moment import Moment, Unit
from csearchd.metadata.dates.stated import SOURCES, Meaning, StatedDate

FIRST_YEAR = 1826  # of the oldest photograph that is left
_HOUR = timedelta(hours=1)
_QUARTER = timedelta(minutes=15)  # time zones differ by multiples of it
_WEST, _EAST = timedelta(hours=-12), timedelta(hours=14)  # the outermost time zones
_ROUNDED = timedelta(seconds=1)  # by which two records of one moment may differ
_TO_THE_MINUTE = timedelta(seconds=60)  # the same where one doesn't tell the second
_LATE = timedelta(minutes=1)  # by which a camera's clock may differ from satellites'

_NOON, _MIDNIGHT = 12, 0
# Where the clocks of cameras and phones begin: the epochs of the Macintosh, Unix and FAT, the turn
# of the century and the years after it, 2002-12-08 (of many Android phones:
# https://issuetracker.google.com/issues/36967504). Not later years: by then a date at midnight is
# one that somebody gave the picture.
_INVENTED = {
    **{date(year, 1, 1): (_MIDNIGHT,) for year in (1904, *range(2001, 2006))},
    **{date(year, 1, 1): (_MIDNIGHT, _NOON) for year in (1970, 1980, 2000)},
    date(1979, 11, 30): (_MIDNIGHT,),  # day 0 of month 0 of FAT's first year
    date(2002, 12, 8): (_MIDNIGHT, _NOON),
}


def chosen(
    stated: Sequence[StatedDate], named: Moment | None, now: datetime
) -> dict[str, str | int]:
    """The date of a picture as fields of csearchd.metadata.record; empty where there is none.

    `named` is the date in its file's name (csearchd.metadata.dates.file_names), `now` the local
    time.
    """
    if named and not _is_of_photography(named, now):
        named = None
    known = sorted(stated, key=lambda one: (one.meaning, SOURCES.index(one.source)))
    located = [one._replace(moment=_where_taken(one, known, named)) for one in known]
    good = [one for one in located if not _is_doubtful(one, located, named, now)]
    if good:
        return _fields(_refined(good), False)
    if named:
        return _fields(StatedDate(Meaning.TAKEN, "name", named), False)
    return _fields(located[0], True) if located else {}


def _fields(found: StatedDate, doubtful: bool) -> dict[str, Any]:
    moment = found.moment
    known = {
        "taken": str(moment),
        "taken_ms": moment.milliseconds,
        "utc_offset": moment.offset,
        "date_source": found.source,
        "date_doubtful": int(doubtful) or None,
    }
    return {key: value for key, value in known.items() if value is not None}


def _is_of_photography(moment: Moment, now: datetime) -> bool:
    return moment.time.year >= FIRST_YEAR and moment.time - now <= timedelta(1)


def _is_doubtful(
    one: StatedDate, others: Sequence[StatedDate], named: Moment | None, now: datetime
) -> bool:
    if not _is_of_photography(one.moment, now):
        return True
    day = one.moment.time.date()
    if one.moment.unit > Unit.DAY or not _is_invented(one.moment):
        return False
    # Satellites and the file's name don't depend on the camera's clock as it is now.
    clocks = [other.moment for other in others if other.meaning is Meaning.LOCATED]
    if any(clock and clock.time.date() == day for clock in (*clocks, named)):
        return False
    camera = [other for other in others if other.source == "exif"]
    stands_alone = one.source == "exif" or not camera
    return stands_alone or any(other.moment.time.date() == day for other in camera)


def _is_invented(moment: Moment) -> bool:
    since_epoch = moment.time - datetime(1970, 1, 1)
    if moment.unit is Unit.SECOND and _WEST <= since_epoch <= _EAST:
        return not since_epoch % _HOUR  # that of Unix, by the clock of some zone
    hours = _INVENTED.get(moment.time.date(), ())
    if moment.unit is Unit.DAY:
        return bool(hours)
    return moment.time.minute == moment.time.second == 0 and moment.time.hour in hours


def _refined(known: Sequence[StatedDate]) -> StatedDate:
    """The first date, or another of its meaning that agrees with it and is more exact."""
    best = known[0]
    for other in known[1:]:
        if (
            other.meaning is best.meaning
            and other.moment.unit < best.moment.unit
            and str(other.moment).startswith(str(best.moment))
        ):
            best = other
    return best


def _where_taken(one: StatedDate, others: Sequence[StatedDate], named: Moment | None) -> Moment:
    """The same moment by the clock of the place where it was, with that clock's offset."""
    moment = one.moment
    if moment.unit is not Unit.SECOND:
        return moment
    if moment.offset is None:
        return moment._replace(offset=_offset(one, others, named))
    if one.source == "exif":
        return moment  # by the camera's clock
    for is_camera, witness in _witnesses(one, others, named):
        rounded = _tolerance(moment, witness)
        if witness.utc and moment.utc and abs(witness.utc - moment.utc) <= rounded:
            if witness.offset and (is_camera or not moment.offset):
                return _at(witness, moment)
        elif witness.offset is None and moment.utc and (is_camera or not moment.offset):
            if moment.offset and witness.time.date() == moment.time.date():
                continue  # no zone: the hour was corrected
            east = _zone(witness.time - moment.utc, rounded)
            if east or (east is not None and moment.offset):
                return _at(witness._replace(offset=east), moment)
    return moment


def _witnesses(
    one: StatedDate, others: Sequence[StatedDate], named: Moment | None
) -> Iterator[tuple[bool, Moment]]:
    """What else tells the time of taking, and whether it is the camera, which comes first."""
    for other in sorted(others, key=lambda each: (each.source != "exif", each.meaning)):
        moment = other.moment
        if other is not one and other.meaning < Meaning.CHANGED and moment.unit is Unit.SECOND:
            yield other.source == "exif", moment
    if named and named.unit is Unit.SECOND:
        yield False, named


def _offset(one: StatedDate, others: Sequence[StatedDate], named: Moment | None) -> int | None:
    """The offset of a moment that is told without one, from what tells the same moment with one."""
    moment = one.moment
    for other in others:
        if other.moment.offset is not None and other.moment.time == moment.time:
            return other.moment.offset
    known = [
        (
            other.moment.utc,
            _LATE if other.meaning is Meaning.LOCATED else _tolerance(moment, other.moment),
        )
        for other in others
        if other.meaning is not Meaning.CHANGED
    ]
    for utc, tolerance in [*known, (named.utc if named else None, _LATE)]:
        if utc and (east := _zone(moment.time - utc, tolerance)) is not None:
            return east
    return None


def _tolerance(one: Moment, other: Moment) -> timedelta:
    """By how much two records of one moment may differ."""
    return _TO_THE_MINUTE if one.to_the_minute or other.to_the_minute else _ROUNDED


def _zone(difference: timedelta, tolerance: timedelta) -> int | None:
    """The minutes of a difference that is one of time zones; None for any other."""
    nearest = round(difference / _QUARTER) * _QUARTER
    if abs(difference - nearest) > tolerance or not _WEST <= nearest <= _EAST:
        return None
    return round(nearest / timedelta(minutes=1))


def _at(witness: Moment, moment: Moment) -> Moment:
    """What a witness tells, with the fraction of a second that may be known only to `moment`."""
    if witness.milliseconds is None:
        return witness._replace(milliseconds=moment.milliseconds)
    return witness
