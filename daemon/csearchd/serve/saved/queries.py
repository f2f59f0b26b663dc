"""From a saved search to a request to search."""

from __future__ import annotations

from msgspec.structs import replace

from csearch.protocol.wire import Message
from csearchd.errors import InvalidMessage, RequestError
from csearchd.library.saved.store import SavedSearch
from csearchd.reasons import OTHER, Reason
from csearchd.search.request import SearchRequest
from csearchd.serve.handlers.queries import QueryResolver
from csearchd.validation import validated

TOP = 500  # pictures in a folder, unless the saved search says how many


def fields_of(search: SavedSearch) -> Message:
    """The fields of a request `search` that a saved search gives."""
    pictures = [
        {"path": picture.path, "start": picture.start, "end": picture.stop}
        for picture in search.pictures
    ]
    fields = {
        "query": search.query,
        "scopes": list(search.scopes),
        "pictures": pictures,
        "top": search.top,
        "sort": search.sort,
        "reverse": search.reverse or None,
        "min_confidence": search.min_confidence,
    }
    return {name: value for name, value in fields.items() if value not in (None, [])}


def understood(search: SavedSearch, queries: QueryResolver) -> SearchRequest:
    """A saved search as an understood request for what is at least fair or found by name, unless
    it says itself what the least is; with filters alone, for all. Raises RequestError for what
    another version has saved, too."""
    fields = {"top": TOP, **fields_of(search)}
    try:
        request = validated({**fields, "files": len(search.pictures)}, SearchRequest)
    except InvalidMessage as error:
        raise RequestError("query", OTHER(text=str(error))) from None
    if request.min_confidence is None:
        request = replace(request, min_confidence="fair", or_named=True)
    return queries.understand(request)


def trouble(search: SavedSearch, queries: QueryResolver) -> Reason | None:
    """Why a saved search can't be understood; None if it can."""
    try:
        understood(search, queries)
    except RequestError as error:
        return error.reason or OTHER(text=str(error))
    return None
