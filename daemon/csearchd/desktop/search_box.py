"""A search in one of the desktop's search boxes, while somebody types."""

from __future__ import annotations

from typing import NamedTuple

from csearchd.desktop.bus_request import BusRequest, LatestSearches
from csearchd.errors import RequestError, Superseded
from csearchd.requests.exchange import Handler
from csearchd.search.request import SearchRequest

MIN_LETTERS = 3  # fewer say nothing about a picture


class BoxHit(NamedTuple):
    """A picture that was found."""

    path: bytes
    confidence: str | None  # None of those that are found by name
    line: str  # of words in the picture that has what was looked for; "" for none


class SearchBox:
    def __init__(self, handle: Handler, top: int) -> None:
        self._handle = handle
        self._top = top
        self._searches = LatestSearches()

    async def search(self, sender: str, query: str) -> list[BoxHit]:
        """Returns the best pictures everywhere, best first.

        The list is empty where the query is half-typed or a newer one came: while somebody types, a
        search box shows no errors.
        """
        if len(query.strip()) < MIN_LETTERS:
            self._searches.cancel(sender)
            return []
        bus_request = BusRequest(
            self._handle, SearchRequest(query=query, top=self._top, wait="none")
        )
        try:
            await self._searches.run(sender, bus_request)
        except Superseded:
            return []
        except RequestError as error:
            if error.code == "query":  # half-typed
                return []
            raise
        return [
            BoxHit(
                hit["path"],
                None if hit.get("by_name") else hit["confidence"],
                hit["text"][0]["text"] if hit.get("text") else "",
            )
            for hit in bus_request.hits
        ]

    def cancel(self, sender: str) -> None:
        self._searches.cancel(sender)
