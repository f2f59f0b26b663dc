"""Geocoding, offline: the point that a name stands for, and the city that a point belongs to.

The cities are those of GeoNames (CC BY 4.0) with more than 1,000 inhabitants. The package carries
them as a table (csearchd.search.places.table).
"""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import PlaceError
from csearchd.limits import clipped
from csearchd.reasons import Reason
from csearchd.reasons import query as reasons
from csearchd.search.places import table
from csearchd.search.places.cities import Cities, distances
from csearchd.search.places.names import folded

RADIUS = 25.0  # km around a city or a point where none is given
_RADIUS_DEGREES = 0.25  # of latitude: a little more than RADIUS
_SIMILAR = 20  # names like a misspelt one that are compared with it closely
_KILOMETRES = {"km": 1.0, "m": 0.001, "mi": 1.609344}

_RADIUS = re.compile(r"(.+),\s*(\d+(?:\.\d*)?|\.\d+)\s*(km|m|mi)", re.IGNORECASE | re.DOTALL)
_POINT = re.compile(r"([+-]?\d+(?:\.\d*)?)\s*,\s*([+-]?\d+(?:\.\d*)?)")


class Circle(NamedTuple):
    """An area of the Earth's surface: degrees north and east of its centre, and its radius."""

    latitude: float
    longitude: float
    radius: float  # km


class Geocoder:
    """Answers from the table of places, which is mapped when it is first needed.

    Used by several threads.
    """

    def __init__(self, directory: str) -> None:
        """`directory` holds the table."""
        self._directory = directory
        self._lock = threading.Lock()
        self._cities: Cities | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether the table has been mapped, for which the disk is read."""
        return self._cities is not None

    def find(self, text: str) -> Circle:
        """The area meant by `38.7,-9.1`, `Lisbon`, `Paris, Texas` or `Paris, FR`.

        A radius may follow, as in `Lisbon, 10km`. Of several cities with the same name the most
        populous is meant. Raises PlaceError.
        """
        radius = RADIUS
        if match := _RADIUS.fullmatch(text.strip()):
            text, radius = match[1], float(match[2]) * _KILOMETRES[match[3].lower()]
        if match := _POINT.fullmatch(text.strip()):
            latitude, longitude = float(match[1]), float(match[2])
            if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
                raise PlaceError(reasons.COORDINATES_OUT_OF_RANGE())
            return Circle(latitude, longitude, radius)
        cities = self._load()
        ((latitude, longitude),) = cities.points([self._city(cities, text)]).tolist()
        return Circle(latitude, longitude, radius)

    def names(self, points: Sequence[tuple[float, float]]) -> list[str]:
        """The city of each point (degrees), as "Lisbon, Portugal"; "" where none is near.

        Raises PlaceError.
        """
        if not points:
            return []
        cities = self._load()
        known: dict[tuple[float, float], str] = {}
        for point in points:
            if point not in known:
                row = cities.nearest(*point)
                known[point] = "" if row is None else cities.label(row)
        return [known[point] for point in points]

    def beginning(self, text: str, points: NDArray[np.float32], limit: int) -> list[str]:
        """Up to `limit` names of cities that begin with `text`, the most populous city first.

        Only cities within RADIUS of one of `points`, (points, 2), are given: latitude and longitude
        in degrees, sorted from south to north. Raises PlaceError.
        """
        if not len(points):
            return []
        cities = self._load()
        found: dict[str, None] = {}
        rows = cities.beginning(text, points)
        for row, (latitude, longitude) in zip(rows, cities.points(rows).tolist(), strict=True):
            south, north = latitude - _RADIUS_DEGREES, latitude + _RADIUS_DEGREES
            band = points[slice(*np.searchsorted(points[:, 0], [south, north]))]
            if distances(band, latitude, longitude).min(initial=np.inf) <= RADIUS:
                found[cities.name(row)] = None
                if len(found) >= limit:
                    break
        return list(found)

    def _city(self, cities: Cities, text: str) -> int:
        """The row of the city that `text` means. Raises PlaceError."""
        name, _, region = (part.strip() for part in text.partition(","))
        rows = cities.named(name)
        if not rows:
            raise PlaceError(_unknown(cities, name))
        for row in rows:
            if cities.is_in(row, region):
                return row
        known = dict.fromkeys(map(cities.label, rows))
        others = "; ".join([*known][:5])
        raise PlaceError(reasons.CITY_ELSEWHERE(text=clipped(text), cities=others))

    def _load(self) -> Cities:
        """Raises PlaceError."""
        with self._lock:
            if self._cities is None:
                self._cities = Cities(table.read(self._directory))
            return self._cities


def _unknown(cities: Cities, name: str) -> Reason:
    """Says that a city isn't known, and which one may be meant."""
    start = folded(name)[:1]
    initials: dict[str, bool] = {}  # whether names that begin so are like it
    candidates = set()
    for other in cities.names():
        initial = other[:1]
        if initial not in initials:
            initials[initial] = folded(initial) == start
        if initials[initial]:
            candidates.add(other)
    wanted = clipped(name).title()

    def likeness(other: str) -> tuple[float, int]:
        """Of two names that are equally like it, that of the larger city is meant."""
        ratio = difflib.SequenceMatcher(None, other, wanted).ratio()
        return ratio, max(map(cities.population, cities.named(other)), default=0)

    near = difflib.get_close_matches(wanted, candidates, _SIMILAR, 0.75)
    if near:
        return reasons.MISSPELT_CITY(name=clipped(name), similar=max(near, key=likeness))
    return reasons.UNKNOWN_CITY(name=clipped(name))
