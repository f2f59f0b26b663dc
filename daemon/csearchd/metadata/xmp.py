"""The values in XMP packets (ISO 16684-1) that filters and displays use.

A property counts where it is one of the picture itself: an attribute or an element of a node right
below rdf:RDF. Inside of structures, properties describe other pictures or parts of this one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from csearchd.errors import XmpError
from csearchd.formats.parsing import MAX_XMP_BYTES
from csearchd.metadata import fields
from csearchd.metadata.dates import stated
from csearchd.metadata.people.regions import people
from csearchd.metadata.texts.keywords import keywords
from csearchd.metadata.xmp_parser import RDF, XmpParser, in_utf8

_MAX_VALUES = 2000  # of a property

_LANGUAGE = "http://www.w3.org/XML/1998/namespace lang"
_NAMESPACES = {
    "http://purl.org/dc/elements/1.1": "dc",
    "http://ns.adobe.com/xap/1.0": "xmp",
    "http://ns.adobe.com/exif/1.0": "exif",
    "http://ns.adobe.com/exif/1.0/aux": "aux",
    "http://cipa.jp/exif/1.0": "exifEX",
    "http://ns.adobe.com/tiff/1.0": "tiff",
    "http://ns.adobe.com/photoshop/1.0": "photoshop",
    "http://ns.adobe.com/lightroom/1.0": "lr",
    "http://www.digikam.org/ns/1.0": "digiKam",
    "http://ns.microsoft.com/photo/1.0": "MicrosoftPhoto",
}
# Properties with keywords, and what separates the levels of those that are paths
_KEYWORDS = (
    ("digiKam:TagsList", "/"),
    ("lr:hierarchicalSubject", "|"),
    ("MicrosoftPhoto:LastKeywordXMP", "/"),
    ("dc:subject", None),
)
_WANTED = {name for name, _ in _KEYWORDS} | {
    *stated.XMP_NAMES, "dc:title", "dc:description", "xmp:Rating", "MicrosoftPhoto:Rating",
    "exif:GPSLatitude", "exif:GPSLongitude", "exif:GPSAltitude", "exif:GPSAltitudeRef",
    "tiff:Make", "tiff:Model", "aux:Lens", "exifEX:LensModel", "exif:ISOSpeedRatings",
    "exifEX:PhotographicSensitivity", "exifEX:RecommendedExposureIndex",
    "exifEX:StandardOutputSensitivity", "exifEX:ISOSpeed", "exifEX:SensitivityType",
    "exif:ExposureTime", "exif:FNumber", "exif:FocalLength",
}  # fmt: skip
_DEGREES = re.compile(r"(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?(?:,(\d+(?:\.\d+)?))?\s*([NSEW])")
_FRACTION = re.compile(r"(-?\d{1,15}(?:\.\d{1,15})?)(?:/(\d{1,15}))?")


def from_xmp(packet: bytes) -> dict[str, Any]:
    """The fields of csearchd.metadata.record that a packet gives. Never raises.

    Of a packet that breaks off, the properties before count; one with a document type or with very
    deep nesting gives nothing.
    """
    if len(packet) > MAX_XMP_BYTES:
        return {}
    packet = in_utf8(packet)
    values = _properties(packet)

    def first(*names: str, limit: int = fields.MAX_TEXT) -> str | None:
        found = (fields.tidy(values[name][0], limit) for name in names if values.get(name))
        return next((value for value in found if value), None)

    def integer(*names: str) -> int | None:
        digits = first(*names) or ""
        return int(digits) if digits.isdecimal() and len(digits) < 10 else None

    named = people(packet)
    return fields.known(
        {
            "dates": stated.in_xmp(first),
            **_place(first),
            "make": first("tiff:Make"),
            "model": first("tiff:Model"),
            "lens": first("exifEX:LensModel", "aux:Lens"),
            "iso": fields.film_speed(
                integer("exifEX:PhotographicSensitivity", "exif:ISOSpeedRatings"),
                integer("exifEX:RecommendedExposureIndex"),
                integer("exifEX:StandardOutputSensitivity"),
                integer("exifEX:ISOSpeed"),
                integer("exifEX:SensitivityType"),
            ),
            **fields.exposure(
                _fraction(first("exif:ExposureTime")),
                _fraction(first("exif:FNumber")),
                _fraction(first("exif:FocalLength")),
            ),
            "title": first("dc:title"),
            "description": first("dc:description", limit=fields.MAX_DESCRIPTION),
            "rating": fields.rating(first("xmp:Rating"), first("MicrosoftPhoto:Rating")),
            "keywords": keywords(
                *((values.get(name, ()), separator) for name, separator in _KEYWORDS)
            ),
            "people": [person.name for person in named],
            "regions": {person.name: list(person.region) for person in named if person.region},
        }
    )


def _place(first: Callable[[str], str | None]) -> dict[str, Any]:
    latitude = _degrees(first("exif:GPSLatitude"), "NS", 90)
    longitude = _degrees(first("exif:GPSLongitude"), "EW", 180)
    height = _fraction(first("exif:GPSAltitude"))
    below = first("exif:GPSAltitudeRef") in ("1", "3")
    return {**fields.place(latitude, longitude), "altitude": fields.altitude(height, below)}


def _fraction(value: str | None) -> float | None:
    """A number that may be written as 125/10; None for any other text."""
    match = _FRACTION.fullmatch(value or "")
    if match is None:
        return None
    divisor = float(match[2] or 1)
    return float(match[1]) / divisor if divisor else None


def _degrees(value: str | None, letters: str, limit: int) -> float | None:
    match = _DEGREES.fullmatch(value or "")
    if match is None or match[4] not in letters:
        return None
    parts = tuple(part for part in match.groups()[:3] if part is not None)
    return fields.degrees(parts, match[4] == letters[1], limit)


def _properties(packet: bytes) -> dict[str, list[str]]:
    """The values of each wanted property by its name, the default language's first."""
    reader = _Reader()
    try:
        reader.parse(packet)
    except expat.ExpatError:
        pass  # the properties before are valid
    except XmpError:
        return {}
    return reader.values


class _Reader(XmpParser):
    """Keeps the values of the wanted properties."""

    def __init__(self) -> None:
        super().__init__("utf-8")
        self.values: dict[str, list[str]] = {}
        self._skipped = 0  # the level of an element whose inside doesn't count; 0: none
        self._property: str | None = None
        self._items: list[str] = []
        self._parts: list[str] = []
        self._default = False  # the item is in the default language

    def opened(self, level: int, name: str, attributes: dict[str, str]) -> None:
        if self._skipped or level < 1:
            return
        if level == 1:
            for attribute, value in attributes.items():
                self._keep(_short(attribute), [value])
        elif level == 2:
            self._property = _short(name)
            self._items, self._parts = [], []
            if self._property is None:
                self._skipped = level
        elif not name.startswith(RDF):
            self._skipped = level
        elif _is_item(name):
            self._parts = []
            self._default = attributes.get(_LANGUAGE) == "x-default"
        elif name == f"{RDF} value":
            self._parts = []

    def text(self, data: str) -> None:
        if self._property and not self._skipped:
            self._parts.append(data)

    def closed(self, level: int, name: str) -> None:
        if self._skipped:
            if level == self._skipped:
                self._skipped = 0
        elif level == 2 and self._property:
            self._keep(self._property, self._items or ["".join(self._parts)])
            self._property = None
        elif self._property and _is_item(name) and len(self._items) < _MAX_VALUES:
            self._items.insert(0 if self._default else len(self._items), "".join(self._parts))
            self._default = False
            self._parts = []

    def _keep(self, name: str | None, values: list[str]) -> None:
        if name:
            kept = self.values.setdefault(name, [])
            kept.extend(values[: _MAX_VALUES - len(kept)])


def _short(name: str) -> str | None:
    """`dc:subject` for a name as expat gives it; None if it isn't wanted."""
    space, _, local = name.rpartition(" ")
    short = f"{_NAMESPACES.get(space.rstrip('/'))}:{local}"
    return short if short in _WANTED else None


def _is_item(name: str) -> bool:
    return name.startswith((f"{RDF} li", f"{RDF} _"))
