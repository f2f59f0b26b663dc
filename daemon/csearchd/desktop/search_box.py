"""A search in one of the desktop's search boxes, while somebody types."""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import quote, unquote

from csearch.protocol.wire import Message
from csearchd import limits
from csearchd.desktop.bus_request import BusRequest, LatestSearches
from csearchd.errors import RequestError, Superseded
from csearchd.requests.completion import CompleteRequest
from csearchd.requests.exchange import Handler
from csearchd.requests.saved import SavedRequest
from csearchd.search.query_language.typed import MIN_LETTERS, as_query
from csearchd.search.request import SearchRequest

_MOST_SAVED = 2  # that are offered beside pictures
_SAVED = "csearch-saved:"  # what the identifiers of saved searches begin with


def saved_identifier(name: str) -> str:
    """Returns what a box calls a saved search."""
    return _SAVED + quote(name, safe="")


def saved_name(identifier: str) -> str | None:
    """Returns the name of a saved search; None for the identifier of a picture."""
    return unquote(identifier[len(_SAVED) :]) if identifier.startswith(_SAVED) else None


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

    async def saved(self, typed: str) -> list[str]:
        """Returns the names of a few saved searches that begin with what is typed."""
        prefix = typed.strip()
        if not MIN_LETTERS <= len(prefix) <= limits.VALUE:
            return []
        request = CompleteRequest(what="saved", prefix=prefix)
        told = await BusRequest(self._handle, request).run()
        return list(told["values"][:_MOST_SAVED])

    async def saved_search(self, name: str) -> Message:
        """Returns what is saved with a name. Raises RequestError."""
        request = SavedRequest(name=os.fsencode(name))
        told = await BusRequest(self._handle, request).run()
        (search,) = told["searches"]
        return dict(search)

    def cancel(self, sender: str) -> None:
        self._searches.cancel(sender)
