"""The table of places that the package carries: files that are mapped into memory.

    countries.txt   a line for each country: ISO 3166 code, name
    regions.txt     a line for each second-level region, such as a province or a county, and for
                    each first-level one without it: country code, code of the state (US only),
                    first-level region, second-level region
    cells.npy       the first city of each cell of one by one degree (see `cell_numbers`), and the
                    number of cities
    places.npy      PLACE for each city; by cell, and in each from the most populous one down
    names.txt       the cities' names, a line each, in the same order
    buckets.npy     the first key of each bucket of hashed names, and the number of keys
    keys.npy        for each name of each city, in every language: KEY_BYTES with the row of the
                    city in the lowest ROW_BITS, and above it the remainder of the name's hash; in
                    each bucket by remainder, and then in the order in which a name means cities
    areas.txt       a line for each country and each first-level region, countries and the most
                    populous first: the first of its lines in regions.txt, the one after the last,
                    inhabitants, the row of the largest city, its name, that of its country
    area_keys.npy   for each name of each of them: the bits of the name's hash, and in the lowest
                    AREA_BITS the number of the line; sorted
    sums.json       the CRC-32 of each of these files

csearchd.search.places.build makes it.
"""

from __future__ import annotations

import json
import mmap
import os
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import PlaceError
from csearchd.reasons import OTHER, Reason, from_system
from csearchd.reasons.library import WRONG_CHECKSUM_OF
from csearchd.reasons.query import PLACES_DAMAGED

DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "geonames")
FILES = (
    "countries.txt",
    "regions.txt",
    "cells.npy",
    "places.npy",
    "names.txt",
    "buckets.npy",
    "keys.npy",
    "areas.txt",
    "area_keys.npy",
)
SUMS = "sums.json"

CELLS = 181 * 360
FRACTION = 65536  # parts of a degree: 1.7 m
PLACE = np.dtype(
    [
        ("latitude", "<u2"),  # from the southern edge of the cell, in parts of a degree
        ("longitude", "<u2"),  # from its western edge
        ("population", "<u4"),  # 0 where it isn't known
        ("region", "<u2"),
    ]
)
KEY_BYTES = 5
ROW_BITS = 18
AREA_BITS = 16

_CHUNK = 1 << 18  # bytes of a file that are read at once


class Lines:
    """The lines of a mapped text file, by number."""

    def __init__(self, path: str) -> None:
        """Raises OSError, ValueError (of an empty file)."""
        with open(path, "rb") as file:
            self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        letters = np.frombuffer(self._text, np.uint8)
        self._ends = np.flatnonzero(letters == ord("\n")).astype(np.uint32)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> str:
        return self.between(number, number + 1)[0]

    def between(self, first: int, last: int) -> list[str]:
        """The lines from number `first` to the one before `last`."""
        if first == last:
            return []
        start = int(self._ends[first - 1]) + 1 if first else 0
        return self._text[start : int(self._ends[last - 1])].decode().split("\n")


class Table(NamedTuple):
    """The table's files in memory."""

    countries: dict[str, str]  # names by code
    regions: Lines
    cells: NDArray[np.uint32]  # (CELLS + 1,)
    places: NDArray[Any]  # (cities,), of PLACE
    names: Lines
    buckets: NDArray[np.uint32]  # (buckets + 1,)
    keys: NDArray[np.uint8]  # (keys, KEY_BYTES)
    areas: Lines
    area_keys: NDArray[np.uint64]  # (names of areas,)


def read(directory: str) -> Table:
    """Maps the table's files in a directory, if their checksums are right. Raises PlaceError."""
    try:
        if reason := _damage(directory):
            raise PlaceError(PLACES_DAMAGED(path=directory, details=reason))
        with open(os.path.join(directory, "countries.txt"), encoding="utf-8") as file:
            countries = dict(line.split("\t") for line in file.read().splitlines())
        return Table(
            countries,
            Lines(os.path.join(directory, "regions.txt")),
            _mapped(directory, "cells.npy"),
            _mapped(directory, "places.npy"),
            Lines(os.path.join(directory, "names.txt")),
            _mapped(directory, "buckets.npy"),
            _mapped(directory, "keys.npy"),
            Lines(os.path.join(directory, "areas.txt")),
            _mapped(directory, "area_keys.npy"),
        )
    except OSError as error:
        path, details = error.filename or directory, from_system(error, advised=False)
    except (ValueError, AttributeError, RecursionError) as error:  # of SUMS; it has no checksum
        path, details = directory, OTHER(text=str(error))
    raise PlaceError(PLACES_DAMAGED(path=path, details=details))


def checksum(path: str) -> int:
    """The CRC-32 of a file. Raises OSError."""
    value = 0
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            value = zlib.crc32(chunk, value)
    return value


def cell_numbers(latitude: NDArray[Any], longitude: NDArray[Any]) -> NDArray[np.int32]:
    """The numbers of the cells of one by one degree that points (degrees) lie in, (points,)."""
    rows, columns = np.floor(latitude + 90), np.floor(longitude + 180) % 360
    cells: NDArray[np.int32] = (rows * 360 + columns).astype(np.int32)
    return cells


def cell_corners(cells: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Latitude and longitude (degrees) of the south-western corners of cells, by number."""
    return cells // 360 - 90, cells % 360 - 180


def _damage(directory: str) -> Reason | None:
    """The first file whose checksum differs. Raises OSError, ValueError, AttributeError."""
    with open(os.path.join(directory, SUMS), "rb") as file:
        sums = json.load(file)
    for name in FILES:
        if checksum(os.path.join(directory, name)) != sums.get(name):
            return WRONG_CHECKSUM_OF(name=name)
    return None


def _mapped(directory: str, name: str) -> NDArray[Any]:
    array = np.load(os.path.join(directory, name), mmap_mode="r")
    plain: NDArray[Any] = array.view(np.ndarray)  # whose rows are taken in half the time
    return plain
