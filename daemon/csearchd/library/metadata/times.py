"""When pictures were taken and files were changed, as the database and the columns hold it.

In columns, a time is a number of milliseconds of local time since 1970; UNKNOWN where there is
none. A date may be a day, month or year alone (csearchd.metadata.record): a column of units tells
which, by the number of characters that it is written in.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csearchd.system.files import CODED_TIMES, FIRST_NANOSECOND

UNKNOWN = -(1 << 62)

# SQL: the beginning of the date in the column `taken`, as ISO 8601
_BEGINNING = (
    "CASE length(taken) WHEN 19 THEN taken "
    "ELSE taken || substr('0000-01-01T00:00:00', length(taken) + 1) END"
)
IS_DATE = f"strftime('%s', {_BEGINNING}) IS NOT NULL AND length(taken) IN (4, 7, 10, 19)"
TAKEN = f"CAST(strftime('%s', {_BEGINNING}) AS INTEGER) * 1000 + coalesce(taken_ms, 0)"
CHANGED = (
    f"CASE WHEN mtime_ns >= {FIRST_NANOSECOND} THEN mtime_ns / 1000000 "
    f"ELSE (mtime_ns - {CODED_TIMES}) * 1000 END"
)

_UNITS = {4: "Y", 7: "M", 10: "D"}  # numpy's, by the characters that such a date has
_QUARTER = 900_000  # milliseconds: offsets from UTC are multiples of a quarter of an hour
_FIRST = -4_544_208_000_000  # 1826-01-01, the year of the oldest photograph that is left
_DAY = 86_400_000


def beginning(taken: str | None, milliseconds: int | None) -> int | None:
    """The beginning of a date, as a column holds it; None where there is none."""
    if taken is None:
        return None
    try:
        begun = np.datetime64(taken, "ms")
    except ValueError:  # a damaged row
        return None
    return int(begun.astype(np.int64)) + (milliseconds or 0)


def ends(times: NDArray[np.int64], lengths: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where dates end, exclusive: beginnings and their numbers of characters, both (n,)."""
    found = times + 1
    for length, unit in _UNITS.items():
        chosen = lengths == length
        begun = times[chosen].astype("datetime64[ms]").astype(f"datetime64[{unit}]")
        found[chosen] = (begun + 1).astype("datetime64[ms]").astype(np.int64)
    return found


def known_as(lengths: NDArray[np.uint8], unit: str) -> NDArray[np.bool_]:
    """Which dates, by their numbers of characters, are known to the unit "Y", "M" or "D"."""
    least = next(length for length, each in _UNITS.items() if each == unit)
    exact: NDArray[np.bool_] = (lengths == 0) | (lengths >= least)
    return exact


def are_implausible(times: NDArray[Any]) -> NDArray[np.bool_]:
    """Which times are before photography, or more than a day in the future."""
    now = int(np.datetime64(datetime.now(), "ms").astype(np.int64))
    implausible: NDArray[np.bool_] = (times < _FIRST) | (times > now + _DAY)
    return implausible


def is_implausible(time: int) -> bool:
    """Whether one time is that."""
    return bool(are_implausible(np.array([time]))[0])


def local(milliseconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Converts milliseconds since 1970 in UTC to the local time of this machine."""
    quarters, places = np.unique(milliseconds // _QUARTER, return_inverse=True)
    offsets = []
    for quarter in quarters:
        try:
            offsets.append(time.localtime(quarter * (_QUARTER // 1000)).tm_gmtoff * 1000)
        except (OverflowError, OSError, ValueError):  # a time beyond the calendar
            offsets.append(0)
    return milliseconds + np.array(offsets, np.float64)[places]
