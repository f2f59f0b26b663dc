"""The lists in an XMP packet, and their positions in its bytes, for editing in place.

Source: XMP specification part 1 (ISO 16684-1), RDF/XML in UTF-8. csearchd.metadata.xmp_edit changes
packets at the positions found here, so that everything else stays as it is, byte for byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

from csearchd.errors import XmpError
from csearchd.metadata.xmp_parser import RDF, XmpParser

OURS = "urn:csearch:tags:1/"
_MAX_BYTES = 16 << 20
_START_TAG = re.compile(rb"<[^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*>")
_ENCODING = re.compile(rb"^\s*<\?xml[^>]*\bencoding\s*=\s*[\"']([^\"']*)[\"']")
_CONTAINERS = tuple(f"{RDF} {name}" for name in ("Bag", "Seq", "Alt"))


class Name(NamedTuple):
    """A property's name: its namespace's URI, that one's usual prefix, and the local name."""

    uri: str
    prefix: str
    name: str


SUBJECT = Name("http://purl.org/dc/elements/1.1/", "dc", "subject")
TAGS_LIST = Name("http://www.digikam.org/ns/1.0/", "digiKam", "TagsList")
HIERARCHICAL = Name("http://ns.adobe.com/lightroom/1.0/", "lr", "hierarchicalSubject")
# Where digiKam puts copies of what it reads in the lists above
LAST_KEYWORD = Name("http://ns.microsoft.com/photo/1.0/", "MicrosoftPhoto", "LastKeywordXMP")
CATALOG_SETS = Name("http://ns.iview-multimedia.com/mediapro/1.0/", "mediapro", "CatalogSets")
# A list, since other programs turn simple properties into attributes
LEDGER = Name(OURS, "csearch", "ledger")
LISTS = (SUBJECT, TAGS_LIST, HIERARCHICAL)


class Item(NamedTuple):
    """An rdf:li: its text, and its span in bytes."""

    text: str
    start: int
    end: int


@dataclass
class Property:
    """An element that is a property. `start` and `end` are its span in bytes."""

    start: int
    end: int = 0
    container: bytes | None = None  # the name of rdf:Bag, rdf:Seq or rdf:Alt, as it is written
    inside: int | None = None  # where an item can be inserted; None in <rdf:Bag/>
    items: list[Item] = field(default_factory=list)


@dataclass
class Description:
    """A node right below rdf:RDF, mostly an rdf:Description. `start` and `end` are its span."""

    start: int
    end: int = 0
    start_tag: bytes = b""
    attributes: list[str] = field(default_factory=list)  # those that are properties: "uri name"
    properties: list[int] = field(default_factory=list)  # where its property elements begin


@dataclass
class Packet:
    """What is where in `data`, the bytes of an XMP packet."""

    data: bytes
    properties: dict[tuple[str, str], list[Property]] = field(default_factory=dict)
    descriptions: list[Description] = field(default_factory=list)
    rdf_tag: bytes = b""  # rdf:RDF's start tag
    rdf_start: int = 0
    rdf_end: int = 0  # where its content ends

    @property
    def is_closed(self) -> bool:
        """Whether rdf:RDF is an empty element."""
        return self.rdf_tag.endswith(b"/>")

    def found(self, name: Name) -> list[Property]:
        """The elements of that name; usually none or one."""
        return self.properties.get((name.uri, name.name), [])

    def values(self, name: Name) -> list[str]:
        """The texts of a list's items."""
        return [item.text for found in self.found(name) for item in found.items]


def parse(data: bytes) -> Packet:
    """The packet in `data`. Raises XmpError unless it is well-formed XMP in UTF-8."""
    if len(data) > _MAX_BYTES:
        raise XmpError(f"its XMP has {len(data)} bytes, more than the {_MAX_BYTES} that are read")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
        raise XmpError("its XMP is not in UTF-8")
    declared = _ENCODING.match(data.removeprefix(b"\xef\xbb\xbf"))
    if declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii", b"ascii"):
        raise XmpError("its XMP is not in UTF-8")
    reader = _Reader(data)
    try:
        reader.parse(data)
    except (expat.ExpatError, UnicodeDecodeError) as error:
        raise XmpError(f"its XMP is damaged: {error}") from error
    if not reader.packet.rdf_tag:
        raise XmpError("its XMP is damaged: it has no rdf:RDF")
    return reader.packet


class _Reader(XmpParser):
    """Fills a Packet. The path it keeps is x:xmpmeta / rdf:RDF / node / property / bag / item."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.packet = Packet(data)
        self._path: list[tuple[str, int, bytes]] = []  # name, where it begins, start tag
        self._property = Property(0)  # the one whose inside is read
        self._text: list[str] = []

    def opened(self, level: int, name: str, attributes: dict[str, str]) -> None:
        at = self.position
        matched = _START_TAG.match(self.packet.data, at)
        if matched is None:
            raise XmpError("its XMP has an unusual structure")
        tag = matched[0]
        self._path.append((name, at, tag))
        if level == 0:
            if self.packet.rdf_tag:
                raise XmpError("its XMP is damaged: it has several rdf:RDF")
            self.packet.rdf_tag, self.packet.rdf_start = tag, at
        elif level == 1:
            kept = [key for key in attributes if not key.startswith(f"{RDF} ") and " " in key]
            self.packet.descriptions.append(Description(at, 0, tag, kept))
        elif level == 2:
            uri, _, local = name.rpartition(" ")
            self._property = Property(at)
            self.packet.properties.setdefault((uri, local), []).append(self._property)
            self.packet.descriptions[-1].properties.append(at)
        elif level == 3 and name in _CONTAINERS:
            self._property.container = _tag_name(tag)
        self._text.clear()

    def text(self, data: str) -> None:
        self._text.append(data)

    def closed(self, level: int, name: str) -> None:
        _, start, tag = self._path.pop()
        empty = tag.endswith(b"/>")
        inner = start + len(tag) if empty else self.position
        end = inner if empty else self.packet.data.index(b">", inner) + 1
        if level == 4 and name == f"{RDF} li" and self._path[-1][0] in _CONTAINERS:
            self._property.items.append(Item("".join(self._text), start, end))
        elif level == 3 and name in _CONTAINERS:
            self._property.inside = None if empty else inner
        elif level == 2:
            self._property.end = end
        elif level == 1:
            self.packet.descriptions[-1].end = end
        elif level == 0:
            self.packet.rdf_end = inner
        if level != 3:
            self._text.clear()


def _tag_name(tag: bytes) -> bytes:
    return re.split(rb"[\s/>]", tag[1:], maxsplit=1)[0]
