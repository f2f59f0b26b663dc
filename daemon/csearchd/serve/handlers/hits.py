"""Turns hits into messages, with what is known of their files where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from csearch.protocol.wire import Message
from csearchd.errors import PlaceError
from csearchd.library.library import Library
from csearchd.library.metadata.details import details
from csearchd.reasons import Reason
from csearchd.search.places.geocoder import Geocoder
from csearchd.search.request import Hit


class Hits:
    """Used by several threads."""

    def __init__(self, library: Library, places: Geocoder) -> None:
        self._library = library
        self._places = places

    def plain(self, hits: Sequence[Hit]) -> list[Message]:
        """Returns hits as messages."""
        return [_fields(hit) for hit in hits]

    def described(
        self, hits: Sequence[Hit], with_places: bool
    ) -> tuple[list[Message], Reason | None]:
        """Returns hits with their `details`, and why there are no place names, if that is so.
        Raises LibraryError."""
        with self._library.read() as database:
            known = details(database, [hit.file for hit in hits])
        found: list[Message] = []
        for hit in hits:
            fields = known.get(hit.file, {})
            # What gives a picture its date where it says none itself.
            fields["dated"] = "taken" in fields
            if not fields["dated"] and (date := _local(fields.get("mtime_ns"))):
                fields["taken"] = date
            found.append({**_fields(hit), "details": fields})
        names = [one["details"] for one in found]
        return found, self._name_places(names) if with_places else None

    def _name_places(self, found: Sequence[dict[str, Any]]) -> Reason | None:
        """Adds the name of the city near by to `details` with a position. Returns why it can't, if
        that is so."""
        located = [one for one in found if "latitude" in one and "longitude" in one]
        try:
            names = self._places.names([(one["latitude"], one["longitude"]) for one in located])
        except PlaceError as error:
            return error.reason
        for one, name in zip(located, names, strict=True):
            if name:
                one["place"] = name
        return None


def _fields(hit: Hit) -> Message:
    path, score, _, _, confidence, similar = hit  # by name takes twice as long, of a thousand
    fields: Message = {"path": path, "score": score, "confidence": confidence}
    return {**fields, "similar": similar} if similar else fields


def _local(mtime_ns: int | None) -> str | None:
    """Returns a moment in the local time of this machine, as ISO 8601."""
    if mtime_ns is None:
        return None
    try:
        moment = datetime.fromtimestamp(mtime_ns // 1_000_000_000)
    except (OverflowError, OSError, ValueError):  # a time beyond the calendar
        return None
    return moment.isoformat()
