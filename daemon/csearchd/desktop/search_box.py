"""A search in one of the desktop's search boxes, while somebody types."""

from __future__ import annotations

from typing import NamedTuple

from csearchd.desktop.bus_request import BusRequest, LatestSearches
from csearchd.errors import RequestError, Superseded
from csearchd.requests.exchange import Handler
from csearchd.search.query_language.typed import as_query
from csearchd.search.request import SearchRequest


class BoxHit(NamedTuple):
    """A picture that was found."""

    path: bytes
    line: str  # of words in the picture that has what was looked for; "" for none


class SearchBox:
    def __init__(self, handle: Handler, top: int) -> None:
        self._handle = handle
        self._top = top
        self._searches = LatestSearches()

    async def search(self, sender: str, typed: str) -> list[BoxHit]:
        """Returns the best pictures everywhere, best first, that are worth being offered beside
        programs and settings (SearchRequest.offered).

        The list is empty where the query is half-typed or a newer one came: while somebody types, a
        search box shows no errors.
        """
        query = as_query(typed)
        if not query:
            self._searches.cancel(sender)
            return []
        bus_request = BusRequest(
            self._handle, SearchRequest(query=query, top=self._top, wait="none", offered=True)
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
            BoxHit(hit["path"], hit["text"][0]["text"] if hit.get("text") else "")
            for hit in bus_request.hits
        ]

    def cancel(self, sender: str) -> None:
        self._searches.cancel(sender)
