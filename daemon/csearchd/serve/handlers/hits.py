"""Turns hits into messages, with what is known of their files where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from csearch.protocol.wire import Message
from csearchd.errors import PlaceError
from csearchd.library.library import Library
from csearchd.library.metadata import times
from csearchd.library.metadata.details import details
from csearchd.library.texts.pattern import TextPattern, matching_lines
from csearchd.reasons import Reason
from csearchd.scoring.confidence import level_name
from csearchd.search.places.geocoder import Geocoder
from csearchd.search.request import Hit, SearchRequest
from csearchd.system.files import seconds_of

_MOST_LINES = 5  # of a picture


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
            tell_date(fields)
            found.append({**_fields(hit), "details": fields})
        names = [one["details"] for one in found]
        return found, self.name_places(names) if with_places else None

    def add_lines(
        self, request: SearchRequest, hits: Sequence[Hit], found: Sequence[Message]
    ) -> None:
        """Adds to hits the lines in their pictures by which they were found. Raises
        LibraryError."""
        patterns = [
            each.pattern for each in request.conditions if each.pattern and not each.filter.negated
        ]
        wanted = [hit.content for hit in hits if patterns or hit.by_name]
        if not wanted:
            return
        known = self._library.texts.lines(wanted)
        for hit, fields in zip(hits, found, strict=True):
            if not (lines := known.get(hit.content)):
                continue
            words = [TextPattern(word) for word in hit.by_name or ()]
            if shown := matching_lines(lines, [*patterns, *words], _MOST_LINES):
                fields["text"] = [line._asdict() for line in shown]

    def name_places(self, found: Sequence[dict[str, Any]]) -> Reason | None:
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
    # Fields by their names take twice as long, of a thousand.
    path, score, _, _, sure, similar, burst, by_name, alike = hit
    fields: Message = {"path": path, "score": score, "probability": None, "confidence": None}
    if sure is not None:
        fields.update(probability=sure, confidence=level_name(sure))
    if similar:
        fields["similar"] = similar
    if burst:
        fields["burst"] = burst
    if by_name:
        fields["by_name"] = by_name
    if alike:
        fields["alike"] = alike
    return fields


def tell_date(fields: dict[str, Any]) -> None:
    """Says in the `details` of a file when it was taken, or else changed."""
    fields["dated"] = "taken" in fields
    fields.setdefault("date_doubtful", False)
    if fields["dated"] or "mtime_ns" not in fields:
        return
    seconds = seconds_of(fields["mtime_ns"])
    if date := _local(seconds):
        # A file's time of 0 is doubtful, as in csearchd.library.metadata.photo_metadata.
        doubtful = seconds == 0 or times.is_implausible(times.beginning(date, 0) or 0)
        fields.update(taken=date, date_source="file", date_doubtful=doubtful)


def _local(seconds: int) -> str | None:
    """Returns a moment in the local time of this machine, as ISO 8601."""
    try:
        return datetime.fromtimestamp(seconds).isoformat()
    except (OverflowError, OSError, ValueError):  # a time beyond the calendar
        return None
