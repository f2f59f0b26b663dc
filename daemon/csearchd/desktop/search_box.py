"""A search while somebody types in a search box of the desktop."""

from __future__ import annotations

from csearchd.desktop.asking import Asking, Newest, Superseded
from csearchd.serve.request import Handler, RequestError

MIN_LETTERS = 3  # fewer say nothing about a picture


class SearchBox:
    def __init__(self, handle: Handler, top: int) -> None:
        self._handle = handle
        self._top = top
        self._searches = Newest()

    async def search(self, sender: str, query: str) -> list[tuple[bytes, float]]:
        """The best pictures everywhere, (path, score), best first.

        None where the query can't be met or a newer one came: a search box that somebody types in
        is no place for errors.
        """
        if len(query.strip()) < MIN_LETTERS:
            self._searches.cancel(sender)
            return []
        message = {"op": "search", "query": query, "scopes": None, "top": self._top, "wait": "none"}
        asking = Asking(self._handle, message)
        try:
            await self._searches.run(sender, asking)
        except Superseded:
            return []
        except RequestError as error:
            if error.code == "query":  # half-typed
                return []
            raise
        return [(hit["path"], hit["score"] or 0.0) for hit in asking.hits]

    def cancel(self, sender: str) -> None:
        self._searches.cancel(sender)
