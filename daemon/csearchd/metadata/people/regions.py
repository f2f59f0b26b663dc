"""People in XMP: their names, and where their faces are.

    mwg-rs:Regions       Metadata Working Group, Guidelines 2.0, 5.9: Lightroom, digiKam, Picasa,
                         Apple Photos, XnView and others; regions of other types aren't people
    acdsee-rs:Regions    the same by ACDSee
    MP:RegionInfo        Windows Photo Gallery (Microsoft, People tagging overview), digiKam
    Iptc4xmpExt:PersonInImage, PersonInImageWDetails, ImageRegion
                         IPTC Photo Metadata Standard 2024.1

A region is told as left edge, top edge, width and height, as fractions of the picture as the
program that wrote it took it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

from csearchd.errors import XmpError
from csearchd.metadata.fields import tidy
from csearchd.metadata.xmp_parser import RDF, XmpParser
from csearchd.spelling import folded

Region = tuple[float, float, float, float]

_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_MWG, _ACDSEE = (
    "http://www.metadataworkinggroup.com/schemas/regions/",
    "http://ns.acdsee.com/regions/",
)
_WANTED = {
    f"{_MWG} Regions", f"{_ACDSEE} Regions", "http://ns.microsoft.com/photo/1.2/ RegionInfo",
    f"{_IPTC} PersonInImage", f"{_IPTC} PersonInImageWDetails", f"{_IPTC} ImageRegion",
}  # fmt: skip
_MARKS = (b"Regions", b"RegionInfo", b"PersonInImage", b"ImageRegion")
_MAX_NODES = 20_000
_MAX_PEOPLE = 200  # of a picture
_TRANSPARENT = {f"{RDF} {name}" for name in ("Description", "value")}
_CONTAINERS = {f"{RDF} {name}" for name in ("Bag", "Seq", "Alt")}


class Person(NamedTuple):
    """Somebody in a picture, and where; None if that isn't told."""

    name: str
    region: Region | None = None


def people(packet: bytes) -> list[Person]:
    """The people in an XMP packet in UTF-8, each once. Never raises.

    Of a packet that breaks off, those before.
    """
    if not any(mark in packet for mark in _MARKS):
        return []
    reader = _Reader()
    try:
        reader.parse(packet)
    except expat.ExpatError:
        pass  # what was read before is valid
    except XmpError:
        return []
    found: dict[str, Person] = {}
    for node in reader.found:
        for text, region in _people(node):
            name = tidy(text)
            key = folded(name or "")
            if name and (key not in found or found[key].region is None):
                found[key] = Person(found[key].name if key in found else name, region)
    return list(found.values())[:_MAX_PEOPLE]


@dataclass
class _Node:
    """An element without the ones that only group others."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    below: list[_Node] = field(default_factory=list)
    text: str = ""

    @property
    def local(self) -> str:
        return self.name.rpartition(" ")[2]

    def items(self) -> list[_Node]:
        """The items of the list that it holds; itself if it holds none."""
        lists = [one for one in self.below if one.name in _CONTAINERS]
        return [item for one in lists for item in one.below] if lists else [self]

    def part(self, name: str) -> _Node | None:
        """A field of a structure, by its local name."""
        for key, value in self.attributes.items():
            if key.rpartition(" ")[2] == name:
                return _Node(key, text=value)
        return next((one for one in self.below if one.local == name), None)

    def said(self, name: str) -> str:
        """The text of a field; of a list, of its first item; "" without one."""
        found = self.part(name)
        return found.items()[0].text.strip() if found and found.items() else ""


class _Reader(XmpParser):
    """Keeps the wanted properties as trees."""

    def __init__(self) -> None:
        super().__init__("utf-8")
        self.found: list[_Node] = []
        self._path: list[_Node] = []  # of the property that is read
        self._count = 0

    def opened(self, level: int, name: str, attributes: dict[str, str]) -> None:
        if level < 2 or not (self._path or (level == 2 and name in _WANTED)):
            return
        self._count += 1
        if self._count > _MAX_NODES:
            raise XmpError("its XMP names too many people")
        if self._path and name in _TRANSPARENT:
            node = self._path[-1]
        else:
            node = _Node(name)
            (self._path[-1].below if self._path else self.found).append(node)
        kept = {key: value for key, value in attributes.items() if not key.startswith(f"{RDF} ")}
        node.attributes.update(kept)
        self._path.append(node)

    def text(self, data: str) -> None:
        if self._path:
            self._path[-1].text += data

    def closed(self, level: int, name: str) -> None:
        if self._path:
            self._path.pop()


def _people(node: _Node) -> Iterator[tuple[str, Region | None]]:
    """The names that a property tells, and their regions."""
    if node.local == "Regions":
        listed = node.part("RegionList")
        dimensions = node.part("AppliedToDimensions")
        for item in listed.items() if listed else ():
            if item.said("Type").casefold() in ("", "face"):
                yield item.said("Name"), _centred(item, dimensions)
    elif node.local == "RegionInfo":
        listed = node.part("Regions")
        for item in listed.items() if listed else ():
            corners = _numbers(*item.said("Rectangle").split(","))
            yield item.said("PersonDisplayName"), clipped(*corners) if len(corners) == 4 else None
    elif node.local == "ImageRegion":
        for item in node.items():
            boundary = item.part("RegionBoundary")
            named = item.part("PersonInImage")
            for one in named.items() if named else ():
                yield one.text, _bounded(boundary) if boundary else None
    elif node.local == "PersonInImage":
        yield from ((item.text, None) for item in node.items())
    else:
        yield from ((item.said("PersonName"), None) for item in node.items())


def _centred(item: _Node, dimensions: _Node | None) -> Region | None:
    """The region around a centre, in fractions or in pixels of `dimensions`."""
    area = item.part("Area") or item.part("DLYArea") or item.part("ALGArea")
    numbers = _numbers(*(area.said(name) for name in "xywh")) if area else []
    if area is None or len(numbers) != 4:
        return None
    if area.said("unit").casefold() == "pixel":
        size = _numbers(dimensions.said("w"), dimensions.said("h")) if dimensions else []
        if len(size) != 2 or not all(size):
            return None
        numbers = [number / size[place % 2] for place, number in enumerate(numbers)]
    x, y, width, height = numbers
    return clipped(x - width / 2, y - height / 2, width, height)


def _bounded(boundary: _Node) -> Region | None:
    """The region of a rectangle or a circle of IPTC's; pixels of an unknown size tell nothing."""
    if boundary.said("rbUnit").casefold() == "pixel":
        return None
    corners = _numbers(*(boundary.said(name) for name in ("rbX", "rbY", "rbW", "rbH")))
    if len(corners) == 4:
        return clipped(*corners)
    circle = _numbers(*(boundary.said(name) for name in ("rbX", "rbY", "rbRx")))
    if len(circle) != 3:
        return None
    x, y, radius = circle
    return clipped(x - radius, y - radius, 2 * radius, 2 * radius)


def clipped(left: float, top: float, width: float, height: float) -> Region | None:
    """A region, cut to the picture; None where it is empty or far off."""
    right, bottom = min(left + width, 1.0), min(top + height, 1.0)
    left, top = max(left, 0.0), max(top, 0.0)
    if not (left < right and top < bottom):
        return None
    return round(left, 6), round(top, 6), round(right - left, 6), round(bottom - top, 6)


def _numbers(*texts: str) -> list[float]:
    """Numbers of texts; none where any isn't one."""
    try:
        return [float(text) for text in texts]
    except ValueError:
        return []
