"""What Google Takeout's JSON file says of a picture: when, where, what, who, and its star.

    {"title": "IMG_0001.jpg", "description": "…", "photoTakenTime": {"timestamp": "1684059072", …},
     "geoData": {"latitude": 38.7, "longitude": -9.1, "altitude": 12.0, …}, "geoDataExif": {…},
     "people": [{"name": "Anna"}], "favorited": true, …}

Times are seconds since 1970, in UTC; 0, 0 is no place. Anything else in such a file is left out,
and so is a file that is something else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from csearchd.metadata import fields
from csearchd.metadata.dates.stated import Meaning, StatedDate, at_second
from csearchd.metadata.takeout.names import is_of

MAX_BYTES = 1 << 20
_MAX_PEOPLE = 200


def from_takeout(data: bytes, picture: bytes) -> dict[str, Any]:
    """The fields of csearchd.metadata.record that a file gives of a picture's file of that name.

    Empty where it is of another picture. Never raises but MemoryError.
    """
    try:
        said = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict) or not is_of(str(said.get("title", "")), picture):
        return {}
    description = said.get("description")
    return fields.known(
        {
            "dates": _taken(said.get("photoTakenTime")),
            **(_place(said.get("geoData")) or _place(said.get("geoDataExif"))),
            "description": fields.tidy(description, fields.MAX_DESCRIPTION)
            if isinstance(description, str)
            else None,
            "people": _people(said.get("people")),
            "favourite": 1 if said.get("favorited") is True else None,
        }
    )


def _taken(time: Any) -> list[StatedDate]:
    seconds = time.get("timestamp") if isinstance(time, Mapping) else None
    try:
        moment = at_second(int(str(seconds)))
    except ValueError:
        return []
    return [StatedDate(Meaning.TAKEN, "takeout", moment)] if moment else []


def _place(place: Any) -> dict[str, float]:
    if not isinstance(place, Mapping):
        return {}
    latitude, longitude = (_number(place.get(name)) for name in ("latitude", "longitude"))
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return {}
    if abs(latitude) > 90 or abs(longitude) > 180:
        return {}
    metres = _number(place.get("altitude"))
    found: dict[str, Any] = {
        "latitude": round(latitude, 7),
        "longitude": round(longitude, 7),
        "altitude": fields.altitude(metres, False) if metres else None,  # 0 is written for unknown
    }
    return fields.known(found)


def _number(value: Any) -> float | None:
    return None if isinstance(value, bool) else fields.number(value)


def _people(people: Any) -> list[str]:
    if not isinstance(people, list):
        return []
    names = [one.get("name") for one in people[:_MAX_PEOPLE] if isinstance(one, Mapping)]
    tidied = [fields.tidy(name) for name in names if isinstance(name, str)]
    return list(dict.fromkeys(name for name in tidied if name))
