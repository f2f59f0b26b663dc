"""What a filter's value may be: what pictures have, or what is worth to know."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from csearchd.errors import PlaceError
from csearchd.library.metadata.photo_metadata import FORMATS, ORIENTATIONS
from csearchd.serve.service import Service

MOST = 50  # values: more than that nobody reads

_PERIODS = ("today", "yesterday", "last week", "last month", "last summer", "last year")
_SIGN = re.compile(r"[<>]?=?")
_UNITS = ("Y", "M", "D")  # of dates with no, one and two dashes

Values = Callable[[Service, str], list[str]]


def beginning(values: Sequence[str], prefix: str) -> list[str]:
    """Those that begin so, whatever the case."""
    start = prefix.casefold()
    return [value for value in values if value.casefold().startswith(start)]


def fixed(*values: str) -> Values:
    return lambda service, prefix: beginning(values, prefix)


def prepare(service: Service) -> None:
    """Who searches in a shell may soon want places, whose names take seconds to get ready, once."""
    if not service.places.made and service.library.photo_metadata.has_location().any():
        service.places.soon()


def _tags(service: Service, prefix: str) -> list[str]:
    return service.library.keywords.beginning(service.library, prefix, MOST)


def _places(service: Service, prefix: str) -> list[str]:
    points = service.library.photo_metadata.locations()
    try:
        if not len(points) or not service.places.soon():
            return []
        return service.places.beginning(prefix, points, MOST)
    except PlaceError:
        return []


def _dates(service: Service, prefix: str) -> list[str]:
    """Periods, and years; months and days where a year and a month are typed."""
    unit = _UNITS[min(prefix.count("-"), len(_UNITS) - 1)]
    return [
        *beginning(_PERIODS, prefix),
        *service.library.photo_metadata.capture_dates(unit, prefix),
    ]


def _span(service: Service, prefix: str) -> list[str]:
    """A year, a month, a day, or from one to another: `2022..2023-05`."""
    first, dots, last = prefix.rpartition("..")
    return [f"{first}{dots}{time}" for time in _dates(service, last) if time not in _PERIODS]


def _numbers(name: str, unit: str = "") -> Values:
    """Numbers that pictures have, behind the sign that is typed; at first with one, too."""

    def values(service: Service, prefix: str) -> list[str]:
        match = _SIGN.match(prefix)
        sign = match[0] if match else ""
        numbers = [
            f"{number}{unit}" for number in service.library.photo_metadata.distinct_values(name)
        ]
        if not prefix:
            return [*numbers[: MOST // 2], *(f">={number}" for number in numbers[1:])]
        return [f"{sign}{number}" for number in beginning(numbers, prefix[len(sign) :])]

    return values


FILTERS: dict[str, Values] = {
    "tag": _tags,
    "near": _places,
    "camera": lambda service, prefix: service.library.photo_metadata.cameras(prefix),
    "lens": lambda service, prefix: service.library.photo_metadata.lenses(prefix),
    "iso": _numbers("iso"),
    "rating": _numbers("rating"),
    "size": _numbers("megapixels", "MP"),
    "folder": lambda service, prefix: service.folder_names.beginning(prefix, MOST),
    "type": fixed(*FORMATS),
    "orientation": fixed(*ORIENTATIONS),
    "date": _span,
    **dict.fromkeys(("after", "before", "on"), _dates),
}
