"""The gazetteer in memory: the cities, their names, and distances between points."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import PlaceError
from csearchd.reasons import OTHER, Reason
from csearchd.reasons.library import WRONG_CHECKSUM_OF
from csearchd.reasons.query import PLACES_DAMAGED
from csearchd.search.places.gazetteer import FILES, SUMS, checksums, folded, key

_EARTH_RADIUS = 6371.0088  # km, mean
_MAX_DISTANCE = 100.0  # km to the nearest city; a point farther away has no name
_CITY_RADIUS = 3.0  # km; keeps the attraction of a city finite at its centre


class Cities(NamedTuple):
    """Cities by their row number, with two indexes: by hashed name and by grid cell."""

    places: NDArray[Any]  # (cities,), of gazetteer.PLACE
    names: list[str]  # (cities,), "name\tcountry code\tstate code"
    countries: list[str]  # names, by the number in `places`
    keys: NDArray[np.uint64]  # (names,), sorted hashes of all names
    rows: NDArray[np.int32]  # (names,), the city of each hash
    cells: NDArray[np.int32]  # (cities,), sorted numbers of grid cells, see `cell_numbers`
    by_cell: NDArray[np.int64]  # (cities,), the city of each of `cells`

    def named(self, name: str) -> list[int]:
        """The rows of the cities that are called `name` in any language."""
        hashed = np.uint64(key(name)) if folded(name) else np.uint64(0)
        first, last = np.searchsorted(self.keys, [hashed, hashed + np.uint64(1)])
        return [int(row) for row in self.rows[first:last]]

    def population(self, row: int) -> int:
        return int(self.places[row]["population"])

    def label(self, row: int) -> str:
        """A city as people write it: "Lisbon, Portugal", "Paris, TX, United States"."""
        name, _, state = self.names[row].split("\t")
        country = self.countries[int(self.places[row]["country"])]
        return ", ".join(part for part in (name, state, country) if part)

    def is_in(self, row: int, region: str) -> bool:
        """Whether a city lies in a country or a state of the US, by its name or code."""
        if not region:
            return True
        _, code, state = self.names[row].split("\t")
        country = self.countries[int(self.places[row]["country"])]
        own = {folded(code), folded(country), folded(state), folded(_STATES.get(state, state))}
        return all(folded(part) in own | _ALIASES.get(code, set()) for part in region.split(","))

    def nearest(self, latitude: float, longitude: float) -> int | None:
        """The row of the city that a point (degrees) belongs to; None if none is near.

        This is the city with the largest population divided by the cube of the distance, so that
        the centre of Lisbon is called Lisbon and not by the name of one of its districts.
        """
        scale = max(0.01, np.cos(np.radians(latitude)))
        reach = min(180.0, np.degrees(_MAX_DISTANCE / _EARTH_RADIUS) / scale)
        across = np.arange(-np.ceil(reach), np.ceil(reach) + 1)
        found: list[NDArray[np.int64]] = []
        for north in (latitude - 1, latitude, latitude + 1):
            wanted = np.unique(cell_numbers(np.full(len(across), north), longitude + across))
            first = np.searchsorted(self.cells, wanted)
            last = np.searchsorted(self.cells, wanted, "right")
            found += [self.by_cell[a:b] for a, b in zip(first, last, strict=True)]
        rows = np.concatenate(found)
        places = self.places[rows]
        points = np.stack([places["latitude"], places["longitude"]], 1)
        distance = distances(points, latitude, longitude)
        near = np.flatnonzero(distance <= _MAX_DISTANCE)
        if not len(near):
            return None
        attraction = places["population"][near] / (distance[near] + _CITY_RADIUS) ** 3
        return int(rows[near[attraction.argmax()]])


def damage(directory: str) -> Reason | None:
    """Why the gazetteer's files in a directory can't be used; None if their checksums match."""
    try:
        with open(os.path.join(directory, SUMS), "rb") as file:
            written = json.load(file)
        found = checksums(directory)
        wrong = [name for name in FILES if found[name] != written.get(name)]
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        return OTHER(text=str(error))
    return WRONG_CHECKSUM_OF(name=wrong[0]) if wrong else None


def read(directory: str) -> Cities:
    """Reads the gazetteer's files in a directory. Raises PlaceError."""
    try:
        with open(os.path.join(directory, "names.txt"), encoding="utf-8") as file:
            names = file.read().splitlines()
        with open(os.path.join(directory, "countries.txt"), encoding="utf-8") as file:
            countries = [line.split("\t")[1] for line in file.read().splitlines()]
        places = np.load(os.path.join(directory, "places.npy"))
        keys = np.load(os.path.join(directory, "keys.npy"), mmap_mode="r")
        rows = np.load(os.path.join(directory, "cities.npy"), mmap_mode="r")
    except (OSError, ValueError, EOFError, IndexError) as error:
        raise PlaceError(PLACES_DAMAGED(path=directory, details=str(error))) from error
    cells = cell_numbers(places["latitude"], places["longitude"])
    by_cell = np.argsort(cells, kind="stable")
    return Cities(places, names, countries, keys, rows, cells[by_cell], by_cell)


def cell_numbers(latitude: NDArray[Any], longitude: NDArray[Any]) -> NDArray[np.int32]:
    """The numbers of the cells of one by one degree that points (degrees) lie in, (points,)."""
    rows, columns = np.floor(latitude + 90), np.floor(longitude + 180) % 360
    cells: NDArray[np.int32] = (rows * 360 + columns).astype(np.int32)
    return cells


def cells_around(points: NDArray[Any]) -> NDArray[np.bool_]:
    """By cell number: whether one of `points`, (points, 2), lies in the cell or next to it."""
    occupied = np.zeros(181 * 360, np.bool_)
    occupied[cell_numbers(points[:, 0], points[:, 1])] = True
    rows = occupied.reshape(181, 360)
    across = rows | np.roll(rows, 1, axis=1) | np.roll(rows, -1, axis=1)
    around = across.copy()
    around[1:] |= across[:-1]
    around[:-1] |= across[1:]
    return around.ravel()


def distances(points: NDArray[Any], latitude: float, longitude: float) -> NDArray[np.float64]:
    """Kilometres from a point to `points`, (points, 2), on a sphere (haversine formula)."""
    here, there = np.radians(np.float64(latitude)), np.radians(points[:, 0].astype(np.float64))
    turn = np.radians(points[:, 1].astype(np.float64) - longitude)
    sines = np.sin((there - here) / 2) ** 2 + np.cos(there) * np.cos(here) * np.sin(turn / 2) ** 2
    kilometres: NDArray[np.float64] = 2 * _EARTH_RADIUS * np.arcsin(np.sqrt(np.minimum(sines, 1)))
    return kilometres


_ALIASES = {
    "US": {"usa", "america", "united states of america"},
    "GB": {"uk", "england", "scotland", "wales", "great britain", "britain"},
}
_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia",
    "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois",
    "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York",
    "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia",
    "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
}  # fmt: skip
