"""Values that complete a filter: those that pictures have, or that are worth knowing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from csearchd.errors import PlaceError
from csearchd.library.library import Library
from csearchd.library.metadata.candidates import texts_beginning
from csearchd.library.metadata.photo_metadata import FORMATS, ORIENTATIONS
from csearchd.search.places.geocoder import Geocoder
from csearchd.serve.folder_names import FolderNames
from csearchd.spelling import folded

MAX_VALUES = 50  # of a filter that are offered: nobody reads more

_PERIODS = ("today", "yesterday", "last week", "last month", "last summer", "last year")
_SIGN = re.compile(r"[<>]?=?")
_UNITS = ("Y", "M", "D")  # of dates with no, one and two dashes

Values = Callable[[str], list[str]]
"""Values for what is typed."""


def beginning(values: Sequence[str], prefix: str) -> list[str]:
    """Returns the values that begin with `prefix`, whatever the case."""
    start = folded(prefix)
    return [value for value in values if folded(value).startswith(start)]


def fixed(*values: str) -> Values:
    """Returns a function that completes to one of `values`."""
    return lambda prefix: beginning(values, prefix)


class FilterValues:
    """Completes the values of each filter; used by several threads."""

    def __init__(self, library: Library, places: Geocoder, folder_names: FolderNames) -> None:
        self._library = library
        self._place_names = places
        self.by_name: dict[str, Values] = {
            "tag": lambda prefix: library.keywords.beginning(prefix, MAX_VALUES),
            "person": lambda prefix: library.people.beginning(prefix, MAX_VALUES),
            "title": lambda prefix: texts_beginning(library, "title", prefix, MAX_VALUES),
            "description": lambda prefix: texts_beginning(
                library, "description", prefix, MAX_VALUES
            ),
            "near": self._places,
            "camera": lambda prefix: _cameras(library.photo_metadata.cameras(prefix)),
            "lens": lambda prefix: library.photo_metadata.lenses(prefix),
            "iso": self._numbers("iso"),
            "rating": self._numbers("rating"),
            "size": self._numbers("megapixels", "MP"),
            "folder": lambda prefix: folder_names.beginning(prefix, MAX_VALUES),
            "type": fixed(*FORMATS),
            "orientation": fixed(*ORIENTATIONS),
            "date": self._span,
            **dict.fromkeys(("after", "before", "on"), self._dates),
        }

    def _places(self, prefix: str) -> list[str]:
        """Cities near which there are pictures. It may wait for the disk."""
        points = self._library.photo_metadata.locations()
        try:
            return self._place_names.beginning(prefix, points, MAX_VALUES)
        except PlaceError:
            return []

    def _dates(self, prefix: str) -> list[str]:
        """Periods and years; months and days once a year and a month are typed."""
        unit = _UNITS[min(prefix.count("-"), len(_UNITS) - 1)]
        return [
            *beginning(_PERIODS, prefix),
            *self._library.photo_metadata.capture_dates(unit, prefix),
        ]

    def _span(self, prefix: str) -> list[str]:
        """A year, a month, a day, or a span such as `2022..2023-05`."""
        first, dots, last = prefix.rpartition("..")
        return [f"{first}{dots}{time}" for time in self._dates(last) if time not in _PERIODS]

    def _numbers(self, name: str, unit: str = "") -> Values:
        """Returns a function that completes to numbers that pictures have, with the comparison that
        is typed; at first, some with one."""

        def values(prefix: str) -> list[str]:
            match = _SIGN.match(prefix)
            sign = match[0] if match else ""
            numbers = [
                f"{number}{unit}" for number in self._library.photo_metadata.distinct_values(name)
            ]
            if not prefix:
                return [*numbers[: MAX_VALUES // 2], *(f">={number}" for number in numbers[1:])]
            return [f"{sign}{number}" for number in beginning(numbers, prefix[len(sign) :])]

        return values


def _cameras(names: Sequence[str]) -> list[str]:
    """Makes and models without the make where the model repeats it: NIKON CORPORATION NIKON D750 is
    a nikon d750."""
    short: dict[str, None] = {}
    for name in names:
        words = name.split()
        again = words.index(words[0], 1) if words[:1] and words[0] in words[1:] else 0
        short[" ".join(words[again:])] = None
    return list(short)
