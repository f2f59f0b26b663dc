"""What Picasa's file in a directory, .picasa.ini, says of its pictures: stars, captions, people.

    [Contacts2]
    8e62398ebda8c1a5=Anna;;
    [IMG_0001.jpg]
    star=yes
    caption=In the garden
    keywords=garden,summer
    geotag=48.858,2.294
    faces=rect64(3f845bcb59418507),8e62398ebda8c1a5;rect64(9eb15e89b6b584c1),ffffffffffffffff

A face is told as left, top, right and bottom edge, with four hexadecimal digits each, of which
zeros in front may lack; and as the number of a contact, which is all ones where nobody was named.
Of a contact, the name stands before the first semicolon. Older versions have a section [Contacts],
which tells accounts in place of names, and names that stand only in Picasa's own contacts.xml
aren't known here. Captions and keywords of JPEGs are in these themselves.

Source: https://gist.github.com/fbuchinger/1073823
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, TypeAlias

from csearchd.metadata import fields
from csearchd.metadata.people.regions import Person, clipped
from csearchd.metadata.texts import charsets
from csearchd.metadata.texts.keywords import keywords
from csearchd.spelling import folded

NAMES = (b".picasa.ini", b"Picasa.ini")
MAX_BYTES = 4 << 20
_WANTED = {"star", "caption", "keywords", "geotag", "faces"}
_CONTACTS = "contacts2"
_FACE = re.compile(r"rect64\(([0-9a-f]{1,16})\)\s*,\s*([0-9a-f]{1,16})", re.IGNORECASE)
_PLACE = re.compile(r"(-?\d{1,3}(?:\.\d+)?)\s*,\s*(-?\d{1,3}(?:\.\d+)?)")
_FULL = 0xFFFF  # the right and bottom edge of the picture
_MAX_FACES = 200

_Sections: TypeAlias = Mapping[str, Mapping[str, str]]


def is_picasa(name: bytes) -> bool:
    """Whether a file of this name may say something of the pictures in its directory."""
    return name in NAMES


def from_picasa(data: bytes, picture: str) -> dict[str, Any]:
    """The fields of csearchd.metadata.record that the file gives of the picture of that name.

    Never raises but MemoryError.
    """
    sections = _sections(data)
    said = sections.get(folded(picture))
    if not said:
        return {}
    people = {folded(one.name): one for one in _people(said.get("faces", ""), sections)}
    return fields.known(
        {
            **_place(said.get("geotag", "")),
            "description": fields.tidy(said.get("caption", ""), fields.MAX_DESCRIPTION),
            "keywords": keywords((said.get("keywords", "").split(","), None)),
            "people": [person.name for person in people.values()],
            "regions": {one.name: list(one.region) for one in people.values() if one.region},
            "favourite": 1 if said.get("star", "").casefold() == "yes" else None,
        }
    )


@lru_cache(maxsize=2)  # the pictures of a directory are read one after another
def _sections(data: bytes) -> _Sections:
    """What is wanted of each section, by its name, folded; of contacts, all."""
    found: dict[str, dict[str, str]] = {}
    title = ""
    for line in charsets.decoded(data.removeprefix(b"\xef\xbb\xbf")).splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            title = folded(line[1:-1])
        elif "=" in line:
            name, value = (part.strip() for part in line.split("=", 1))
            if title == _CONTACTS or name.casefold() in _WANTED:
                found.setdefault(title, {})[name.casefold()] = value
    return found


def _people(faces: str, sections: _Sections) -> Iterator[Person]:
    """Those in a picture whose names are known."""
    contacts = sections.get(_CONTACTS, {})
    for match in islice(_FACE.finditer(faces), _MAX_FACES):
        if name := fields.tidy(contacts.get(match[2].casefold(), "").partition(";")[0]):
            digits = match[1].zfill(16)
            edges = [int(digits[at : at + 4], 16) / _FULL for at in range(0, 16, 4)]
            left, top, right, bottom = edges
            yield Person(name, clipped(left, top, right - left, bottom - top))


def _place(text: str) -> dict[str, float]:
    match = _PLACE.fullmatch(text)
    if match is None or abs(float(match[1])) > 90 or abs(float(match[2])) > 180:
        return {}
    return fields.place(round(float(match[1]), 7), round(float(match[2]), 7))
