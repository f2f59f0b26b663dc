"""Values of several words without quotes, as shells hand them over: after:last summer, near:New
York. Of what follows a filter, as much belongs to its value as makes a date or a larger place."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from csearchd.errors import DateError
from csearchd.search.query_language import dates
from csearchd.search.query_language.grammar import DATES

_MONTHS = "january february march april may june july august september october november december"
_DATE_WORDS = frozenset(
    (
        *_MONTHS.split(), *(month[:3] for month in _MONTHS.split()), "sept",
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
        "day", "days", "week", "weeks", "month", "months", "year", "years", "ago",
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "last", "this", "the", "a", "of", "spring", "summer", "autumn", "fall", "winter",
    )
)  # fmt: skip
_NOT_LAST = ("last", "this", "the", "a", "of")  # of these words, none ends a date
_NUMBER = re.compile(r"\d{1,4}(?:st|nd|rd|th)?|\d{1,2}:\d{2}(?::\d{2})?", re.IGNORECASE)
_COMPLETE = re.compile(r"\d{4}\D?.*|today|yesterday", re.IGNORECASE)


def following(
    name: str,
    value: str,
    words: Sequence[str],
    now: datetime,
    goes_on: Callable[[str, str], bool],
) -> int:
    """How many of the words after a filter belong to its value.

    `goes_on` says whether a place is meant by its second text, and not by the first alone, with
    which the second begins.
    """
    counts = range(len(words), 0, -1)
    if name in DATES and not _COMPLETE.fullmatch(value):
        last = next((n for n, word in enumerate(words) if not _is_of_date(word)), len(words))
        ends = (n for n in counts if n <= last and words[n - 1].lower() not in _NOT_LAST)
        return next((n for n in ends if _is_date(value, words[:n], now)), 0)
    if name == "near" and not value.lstrip("+-")[:1].isdecimal():
        return next((n for n in counts if goes_on(value, " ".join((value, *words[:n])))), 0)
    if name == "near" and value.endswith(","):  # 38.7, -9.1, 10km
        return next((n for n in counts if all(w.endswith(",") for w in words[: n - 1])), 0)
    return 0


def _is_of_date(word: str) -> bool:
    parts = [part for part in word.lower().removesuffix(",").split("..") if part]
    return all(part in _DATE_WORDS or _NUMBER.fullmatch(part) for part in parts)


def _is_date(value: str, words: Sequence[str], now: datetime) -> bool:
    try:
        dates.span(" ".join((value, *words)), now)
    except DateError:
        return False
    return True
