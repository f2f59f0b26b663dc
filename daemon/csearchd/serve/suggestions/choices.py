"""Values to choose a filter's from, each with the number of pictures that it would find."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from csearch.protocol.wire import Message
from csearchd.errors import QueryError
from csearchd.library.library import Library
from csearchd.library.metadata.photo_metadata import FORMATS, aligned
from csearchd.search import filters
from csearchd.search.places.geocoder import Geocoder
from csearchd.search.query_language.grammar import Filter
from csearchd.search.query_language.typed_word import written
from csearchd.serve.handlers.filter_values import MAX_VALUES, FilterValues

MONTHS = "months"
_RATINGS = [f">={stars}" for stars in range(5, 0, -1)]


class Choices:
    """Used by several threads."""

    def __init__(self, library: Library, filter_values: FilterValues, places: Geocoder) -> None:
        self._library = library
        self._filter_values = filter_values
        self._places = places

    def of(self, name: str, prefix: str) -> list[Message] | None:
        """The values of a filter that begin with `prefix`, without those that no picture has, or
        the months in which pictures were taken; None where there is no such filter. It may wait for
        the disk. Raises LibraryError."""
        if name == MONTHS:
            months = self._library.load_photo_metadata().months()
            return [_choice(month, f"on:{month}", count) for month, count in months]
        values = self._filter_values.by_name.get(name)
        if values is None:
            return None
        found = list(dict.fromkeys(values(prefix)))[:MAX_VALUES]
        if name == "rating" and not prefix:
            found = _RATINGS
        if name == "type":  # one name of each format
            found = list({FORMATS[value]: value for value in reversed(found)}.values())[::-1]
        counted = [(value, self._count(name, value)) for value in found]
        return [_choice(value, written(name, value), count) for value, count in counted if count]

    def _count(self, name: str, value: str) -> int:
        filter = Filter(name, value, negated=False, start=0, end=0)
        try:
            (condition,) = filters.understand([filter], datetime.now(), self._places)
        except QueryError:
            return 0
        chosen = condition.choice(self._library, None)
        with self._library.memory_lock:  # not on a disk that is away, nor forgotten
            catalogue = self._library.catalogue
            present = catalogue.pictures(catalogue.files_in(None))
        return int(np.count_nonzero(present & aligned(chosen, len(present))))


def _choice(value: str, word: str, count: int) -> Message:
    return {"value": value, "word": word, "count": count}
