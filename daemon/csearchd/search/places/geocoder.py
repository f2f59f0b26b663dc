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

from csearch.protocol.similar import distance
from csearchd.errors import PlaceError
from csearchd.limits import clipped
from csearchd.reasons import Reason
from csearchd.reasons import query as reasons
from csearchd.search.places import table
from csearchd.search.places.areas import Area
from csearchd.search.places.cities import Cities, distances
from csearchd.search.places.names import folded

RADIUS = 25.0  # km around a city or a point where none is given
_RADIUS_DEGREES = 0.25  # of latitude: a little more than RADIUS
_SIMILAR = 20  # names like a misspelt one that are compared with it closely
_LONG = 8  # letters of a name in which two may be wrong
_NOTABLE = 15_000  # inhabitants of a city that may be meant where a region of its name is
_LARGE_SHARE = 1 / 4  # of a region's inhabitants, in a city of its name that may be meant
_KILOMETRES = {"km": 1.0, "m": 0.001, "mi": 1.609344}

_RADIUS = re.compile(r"(.+),\s*(\d+(?:\.\d*)?|\.\d+)\s*(km|m|mi)", re.IGNORECASE | re.DOTALL)
_POINT = re.compile(r"([+-]?\d+(?:\.\d*)?)\s*,\s*([+-]?\d+(?:\.\d*)?)")
_REGION = re.compile(
    r"(?:region|state|province|canton|country|kanton|land)\s+(?:of\s+)?(.+)|"
    r"(.+)\s+(?:region|state|province|canton)",
    re.IGNORECASE,
)


class Circle(NamedTuple):
    """An area of the Earth's surface: degrees north and east of its centre, and its radius."""

    latitude: float
    longitude: float
    radius: float  # km


class Found(NamedTuple):
    """What the name of a place means, and remarks that say so."""

    place: Circle | Area
    remarks: tuple[Reason, ...] = ()
    population: int = 0
    by_own_name: bool = False  # not by one in another language, or by a part of one


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

    def find(self, text: str) -> Found:
        """The place meant by `38.7,-9.1`, `Lisbon`, `Paris, Texas`, `Paris, FR`, `Italy` or
        `Toskana`.

        A radius may follow a city or a point, as in `Lisbon, 10km`. Of several cities with the same
        name the most populous is meant. A country is meant before a city of its name; a region
        unless the city lies there and is its largest or is called so by its people, or has a
        quarter of its inhabitants. `region New York` is the region. Raises PlaceError.
        """
        found = self._known(text)
        if found is None:
            match = _RADIUS.fullmatch(text.strip())
            raise PlaceError(_unknown(self._load(), match[1] if match else text))
        return found

    def _known(self, text: str) -> Found | None:
        """The place that a text means; None if none is known. Raises PlaceError where it can't mean
        one, or where the table is damaged."""
        radius = None
        if match := _RADIUS.fullmatch(text.strip()):
            text, radius = match[1], float(match[2]) * _KILOMETRES[match[3].lower()]
        if match := _POINT.fullmatch(text.strip()):
            latitude, longitude = float(match[1]), float(match[2])
            if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
                raise PlaceError(reasons.COORDINATES_OUT_OF_RANGE())
            return Found(Circle(latitude, longitude, RADIUS if radius is None else radius))
        cities = self._load()
        name, _, region = (part.strip() for part in text.partition(","))
        shown = clipped(text.strip())
        row, area = self._city(cities, name, region), self._area(cities, name, region)
        if row is None and area is None and (match := _REGION.fullmatch(name)):
            name = match[1] or match[2]
            area = self._area(cities, name, region)
        if area and not (row is not None and _means_city(cities, row, area, name)):
            other = self._city(cities, name, region, by_own_name=True)
            if radius is None:
                return _found(area, shown, None if other is None else cities.label(other))
            row = other
            if row is None:
                raise PlaceError(reasons.AREA_WITH_DISTANCE(area=area.label))
        if row is None:
            return None
        ((latitude, longitude),) = cities.points([row]).tolist()
        circle = Circle(latitude, longitude, RADIUS if radius is None else radius)
        remark = reasons.PLACE_UNDERSTOOD(
            value=_quoted(shown), distance=f"{circle.radius:g}", place=cities.label(row)
        )
        also = [reasons.ALSO_AREA(other=f"region {shown}", area=area.label)] if area else []
        remarks = (remark, *(also if radius is None else ()))
        own = folded(cities.name(row)) == folded(name)
        return Found(circle, remarks, cities.population(row), own)

    def inside(self, area: Area, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of `points` (degrees), (points, 2), lie in an area: those whose nearest city does,
        within 100 km. Raises PlaceError."""
        return self._load().inside(area, points)

    def goes_on(self, text: str, longer: str) -> bool:
        """Whether a place is meant by `longer`, a text and words after it, and not by the text
        alone: near:New York, but not near:York beach."""
        try:
            more = self._known(longer)
            alone = self._known(text) if more and not text.endswith(",") else None
        except PlaceError:
            return False
        if more is None or alone is None:
            return more is not None
        if isinstance(alone.place, Area):
            if isinstance(more.place, Area):
                larger = more.population >= alone.population
                return larger or more.place.lies_in(alone.place)
            return bool(self.inside(alone.place, np.array([more.place[:2]]))[0])
        return not alone.by_own_name or more.population >= alone.population

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

    def _city(
        self, cities: Cities, name: str, region: str, by_own_name: bool = False
    ) -> int | None:
        """The row of the city that a name means, in the regions with commas between, if any.
        `by_own_name`: only a town that is called so itself, and not in another language."""
        for row in cities.named(name):
            own = cities.population(row) >= _NOTABLE and _is_called(cities, row, name)
            if cities.is_in(row, region) and (own or not by_own_name):
                return row
        return None

    def _area(self, cities: Cities, name: str, region: str) -> Area | None:
        """The country or region that a name means."""
        named = cities.areas.named(name)
        return next((area for area in named if cities.area_is_in(area, region)), None)

    def _load(self) -> Cities:
        """Raises PlaceError."""
        with self._lock:
            if self._cities is None:
                self._cities = Cities(table.read(self._directory))
            return self._cities


def _found(area: Area, shown: str, city: str | None) -> Found:
    """An area, with a remark on the city of its name."""
    remarks = [reasons.AREA_UNDERSTOOD(value=_quoted(shown), area=area.label)]
    if city is not None:
        remarks.append(reasons.ALSO_PLACE(other=f"{shown}, {RADIUS:g}km", place=city))
    return Found(area, tuple(remarks), area.population)


def _quoted(value: str) -> str:
    """A value as it is written in a query."""
    return f'"{value}"' if " " in value else value


def _is_called(cities: Cities, row: int, name: str) -> bool:
    """Whether a city's own name is, or begins with, a name: "Brandenburg an der Havel"."""
    return f"{folded(cities.name(row))} ".startswith(f"{folded(name)} ")


def _means_city(cities: Cities, row: int, area: Area, name: str) -> bool:
    """Whether a name means a city, and not the area that is called so, too."""
    if not area.country:
        return False
    if cities.lies_in(row, area) and (
        row == area.largest or folded(cities.name(row)) == folded(name)
    ):
        return True
    large = cities.population(row) >= area.population * _LARGE_SHARE
    return large and _is_called(cities, row, name)


def _unknown(cities: Cities, text: str) -> Reason:
    """Says that a place isn't known, and which one may be meant."""
    name = text.partition(",")[0].strip()
    if rows := cities.named(name):
        known = dict.fromkeys(map(cities.label, rows))
        return reasons.CITY_ELSEWHERE(text=clipped(text), cities="; ".join([*known][:5]))
    start = folded(name)[:1]
    initials: dict[str, bool] = {}  # whether names that begin so are like it
    people: dict[str, int] = {}  # who live in areas, by their names
    for area in cities.areas:
        people.setdefault(area.name, area.population)
    candidates = set()
    for other in (*people, *cities.names()):
        initial = other[:1]
        if initial not in initials:
            initials[initial] = folded(initial) == start
        if initials[initial]:
            candidates.add(other)
    wanted = clipped(name).title()
    slips = 1 if len(wanted) < _LONG else 2

    def likeness(other: str) -> tuple[int, int]:
        """Of two names that are equally like it, that of the larger place is meant."""
        population = max(map(cities.population, cities.named(other)), default=0)
        return distance(other.lower(), wanted.lower()), -max(population, people.get(other, 0))

    near = difflib.get_close_matches(wanted, candidates, _SIMILAR, 0.7)
    near = [other for other in near if distance(other.lower(), wanted.lower()) <= slips]
    if near:
        return reasons.MISSPELT_CITY(name=clipped(name), similar=min(near, key=likeness))
    return reasons.UNKNOWN_CITY(name=clipped(name))
