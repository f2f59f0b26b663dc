"""The cities of the table of places: their names, regions, and distances between points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd import spelling
from csearchd.search.places.areas import Area, Areas
from csearchd.search.places.names import folded, hashed
from csearchd.search.places.table import (
    CELLS,
    FRACTION,
    KEY_BYTES,
    ROW_BITS,
    Table,
    cell_corners,
    cell_numbers,
)

_EARTH_RADIUS = 6371.0088  # km, mean
_MAX_DISTANCE = 100.0  # km to the nearest city; a point farther away has no name
_CITY_RADIUS = 3.0  # km; keeps the attraction of a city finite at its centre
_GRID = 200.0  # parts of a degree to which points are rounded that are looked up together
_AT_ONCE = 4_000_000  # distances that are computed at a time
_PORTION = 4096  # names that are taken from the table at once
_WEIGHTS = 256 ** np.arange(KEY_BYTES, dtype=np.int64)


class Region(NamedTuple):
    """Where a city lies; "" is what isn't known."""

    country_code: str  # ISO 3166
    country: str
    state_code: str  # of the US only, as TX
    first: str  # the first-level region, as Tuscany
    second: str  # the second-level one, as Province of Florence


class Cities:
    """Cities by their row number in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.areas = Areas(table)

    def named(self, name: str) -> list[int]:
        """The cities that are called `name` in any language: first the one that it means, which is
        the largest."""
        bucket, remainder = hashed(folded(name))
        first, last = self._table.buckets[bucket : bucket + 2]
        keys = self._table.keys[first:last] @ _WEIGHTS
        found: list[int] = (keys[keys >> ROW_BITS == remainder] & ((1 << ROW_BITS) - 1)).tolist()
        return found

    def names(self) -> Iterator[str]:
        """Each city's own name."""
        count = len(self._table.names)
        for first in range(0, count, _PORTION):
            yield from self._table.names.between(first, min(first + _PORTION, count))

    def name(self, row: int) -> str:
        return self._table.names[row]

    def population(self, row: int) -> int:
        return int(self._table.places[row]["population"])

    def points(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
        """Latitudes and longitudes of cities in degrees, (cities, 2)."""
        cells = np.searchsorted(self._table.cells, rows, "right") - 1
        south, west = cell_corners(cells)
        places = self._table.places[np.asarray(rows, np.int64)]
        latitude = south + places["latitude"] / FRACTION
        return np.stack([latitude, west + places["longitude"] / FRACTION], 1)

    def region(self, row: int) -> Region:
        code, state, first, second = self._table.regions[self._region_number(row)].split("\t")
        return Region(code, self._table.countries[code], state, first, second)

    def label(self, row: int) -> str:
        """A city as people write it: "Lisbon, Portugal", "Paris, TX, United States"."""
        region = self.region(row)
        parts = (self.name(row), region.state_code, region.country)
        return ", ".join(part for part in parts if part)

    def is_in(self, row: int, region: str) -> bool:
        """Whether a city lies in a country or a region, by its name or code; several of them may be
        given, with commas between."""
        where, number = self.region(row), self._region_number(row)
        return self._is_within(number, number + 1, {where.country_code, where.state_code}, region)

    def area_is_in(self, area: Area, region: str) -> bool:
        """The same for an area."""
        code = self.region(area.largest).country_code
        return self._is_within(area.first, area.end, {code}, region)

    def _is_within(self, first: int, end: int, codes: set[str], region: str) -> bool:
        """Whether the regions of the table from `first` to before `end`, which have these codes,
        lie in each of those that `region` names."""
        return all(
            part.strip().upper() in {"", *codes}
            or any(area.first <= first and end <= area.end for area in self.areas.named(part))
            for part in region.split(",")
        )

    def lies_in(self, row: int, area: Area) -> bool:
        return area.has(self._region_number(row))

    def inside(self, area: Area, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of `points` (degrees), (points, 2), lie in an area, (points,): those whose nearest
        city does."""
        found = np.zeros(len(points), np.bool_)
        regions = self._table.places["region"]
        rows = np.flatnonzero((regions >= area.first) & (regions < area.end))
        occupied = _around(self.points(rows))
        cells = cell_numbers(points[:, 0], points[:, 1])
        candidates = np.flatnonzero(occupied[cells])
        # Points that are the same to about 500 m are looked up once.
        rounded, which = np.unique(
            np.round(points[candidates] * _GRID) / _GRID, axis=0, return_inverse=True
        )
        own = np.zeros(len(rounded), np.bool_)
        cells = cell_numbers(rounded[:, 0], rounded[:, 1])
        order = np.argsort(cells, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(cells[order])) + 1):
            if not len(group):
                continue
            near = self._near_rows(*rounded[group[0]].tolist())
            for part in np.array_split(group, 1 + len(group) * len(near) // _AT_ONCE):
                nearest, distance = _nearest(rounded[part], self.points(near))
                number = regions[near[nearest]]
                own[part] = (
                    (number >= area.first) & (number < area.end) & (distance <= _MAX_DISTANCE)
                )
        found[candidates] = own[which.ravel()]
        return found

    def nearest(self, latitude: float, longitude: float) -> int | None:
        """The row of the city that a point (degrees) belongs to; None if none is near.

        This is the city with the largest population divided by the cube of the distance, so that
        the centre of Lisbon is called Lisbon and not by the name of one of its districts.
        """
        rows = self._near_rows(latitude, longitude)
        distance = distances(self.points(rows), latitude, longitude)
        near = np.flatnonzero(distance <= _MAX_DISTANCE)
        if not len(near):
            return None
        population = np.maximum(self._table.places["population"][rows[near]], 1)
        attraction = population / (distance[near] + _CITY_RADIUS) ** 3
        return int(rows[near[attraction.argmax()]])

    def _near_rows(self, latitude: float, longitude: float) -> NDArray[np.int64]:
        """The cities in the cell of a point, and in those that may have some nearby."""
        scale = max(0.01, np.cos(np.radians(latitude)))
        reach = min(180.0, np.degrees(_MAX_DISTANCE / _EARTH_RADIUS) / scale)
        across = np.arange(-np.ceil(reach), np.ceil(reach) + 1)
        found: list[NDArray[np.int64]] = []
        for north in (latitude - 1, latitude, latitude + 1):
            if -90 <= north <= 90:
                cells = cell_numbers(np.full(len(across), north), longitude + across)
                found += [self._rows(cell) for cell in np.unique(cells)]
        return np.concatenate(found)

    def beginning(self, text: str, points: NDArray[Any]) -> list[int]:
        """The cities whose own names begin with `text`, the most populous one first, in cells with
        or next to one of `points`, (points, 2), latitude and longitude in degrees."""
        start = spelling.folded(text)
        found: list[int] = []
        # Cells that follow each other are read together.
        edges = np.flatnonzero(np.diff(_around(points), prepend=False, append=False))
        for first, last in self._table.cells[edges].reshape(-1, 2).tolist():
            names = self._table.names.between(first, last)
            found += [
                first + number
                for number, name in enumerate(names)
                if spelling.folded(name[: len(start)]).startswith(start)
            ]
        rows = np.array(found, np.int64)
        order = np.argsort(-self._table.places["population"][rows].astype(np.int64), kind="stable")
        largest: list[int] = rows[order].tolist()
        return largest

    def _region_number(self, row: int) -> int:
        return int(self._table.places[row]["region"])

    def _rows(self, cell: int) -> NDArray[np.int64]:
        """The cities in a cell."""
        first, last = self._table.cells[cell : cell + 2]
        return np.arange(first, last, dtype=np.int64)


def _around(points: NDArray[Any]) -> NDArray[np.bool_]:
    """By cell number: whether one of `points`, (points, 2), lies in the cell or next to it, or may
    be as near as the nearest city: cells are narrow far from the equator."""
    occupied = np.zeros(CELLS, np.bool_)
    occupied[cell_numbers(points[:, 0], points[:, 1])] = True
    rows = occupied.reshape(181, 360)
    above_and_below = rows.copy()
    above_and_below[1:] |= rows[:-1]
    above_and_below[:-1] |= rows[1:]
    around = above_and_below.copy()
    farthest = np.minimum(90, np.abs(np.arange(181) - 90) + 1)  # latitude of a row's cells
    scale = np.maximum(0.01, np.cos(np.radians(farthest)))
    reach = np.minimum(180, np.ceil(np.degrees(_MAX_DISTANCE / _EARTH_RADIUS) / scale))
    for step in range(1, 181):
        far = (reach >= step) & above_and_below.any(axis=1)
        if not far.any():
            break
        for shift in (step, -step):
            around[far] |= np.roll(above_and_below[far], shift, axis=1)
    return around.ravel()


def _nearest(
    points: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each point (degrees), (points, 2), the number of the nearest of `others`, and how many
    kilometres it is away."""
    cosines = _on_sphere(points) @ _on_sphere(others).T
    nearest = cosines.argmax(axis=1)
    cosine = cosines[np.arange(len(points)), nearest]
    return nearest, _EARTH_RADIUS * np.arccos(np.clip(cosine, -1, 1))


def _on_sphere(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors of points in degrees, (points, 3)."""
    latitude, longitude = np.radians(points).T
    vectors: NDArray[np.float64] = np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ],
        1,
    )
    return vectors


def distances(points: NDArray[Any], latitude: float, longitude: float) -> NDArray[np.float64]:
    """Kilometres from a point to `points`, (points, 2), on a sphere (haversine formula)."""
    here, there = np.radians(np.float64(latitude)), np.radians(points[:, 0].astype(np.float64))
    turn = np.radians(points[:, 1].astype(np.float64) - longitude)
    sines = np.sin((there - here) / 2) ** 2 + np.cos(there) * np.cos(here) * np.sin(turn / 2) ** 2
    kilometres: NDArray[np.float64] = 2 * _EARTH_RADIUS * np.arcsin(np.sqrt(np.minimum(sines, 1)))
    return kilometres
