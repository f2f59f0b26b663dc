"""Hits as the protocol has them, with what is known of their files where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from csearch.protocol.wire import Message
from csearchd.errors import PlaceError
from csearchd.library.metadata.details import details
from csearchd.search.request import Hit
from csearchd.serve.service import Service


def described(service: Service, hits: Sequence[Hit], places: bool) -> tuple[list[Message], str]:
    """Hits with their `details`, and why there are no place names, or "". Raises LibraryError."""
    with service.library.read() as database:
        known = details(database, [hit.file for hit in hits])
    found: list[Message] = []
    for hit in hits:
        fields = known.get(hit.file, {})
        # What gives a picture its date where it says none itself.
        fields["dated"] = "taken" in fields
        if not fields["dated"] and (date := _local(fields.get("mtime_ns"))):
            fields["taken"] = date
        found.append({**_fields(hit), "details": fields})
    return found, _name_places(service, [one["details"] for one in found]) if places else ""


def plain(hits: Sequence[Hit]) -> list[Message]:
    return [_fields(hit) for hit in hits]


def _fields(hit: Hit) -> Message:
    path, score, _, _, confidence, similar = hit  # by name takes twice as long, of a thousand
    fields: Message = {"path": path, "score": score, "confidence": confidence}
    return {**fields, "similar": similar} if similar else fields


def _name_places(service: Service, found: Sequence[dict[str, Any]]) -> str:
    located = [one for one in found if "latitude" in one and "longitude" in one]
    try:
        names = service.places.names([(one["latitude"], one["longitude"]) for one in located])
    except PlaceError as error:
        return str(error)
    for one, name in zip(located, names, strict=True):
        if name:
            one["place"] = name
    return ""


def _local(mtime_ns: int | None) -> str | None:
    """A moment in the local time of this machine, as ISO 8601."""
    if mtime_ns is None:
        return None
    try:
        moment = datetime.fromtimestamp(mtime_ns // 1_000_000_000)
    except (OverflowError, OSError, ValueError):  # a time beyond the calendar
        return None
    return moment.isoformat()
