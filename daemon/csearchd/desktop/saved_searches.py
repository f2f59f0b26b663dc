"""The methods of csearch's own interface for saved searches: the socket's operations on them."""

from __future__ import annotations

from typing import Any

from csearch.protocol.wire import Message
from csearchd.desktop.bus_request import BusRequest
from csearchd.desktop.objects import Call, Method
from csearchd.desktop.values import plain, variants
from csearchd.errors import RequestError
from csearchd.requests.decoding import decoded
from csearchd.requests.exchange import Handler
from csearchd.requests.saved import SavedRequest

_OPTIONS = ("scopes", "pictures", "top", "sort", "min_confidence", "replace")


class SavedSearches:
    def __init__(self, handle: Handler) -> None:
        self._handle = handle

    def methods(self) -> dict[str, Method]:
        return {
            "Saved": self._list,
            "SaveSearch": self._save,
            "RenameSaved": self._rename,
            "RemoveSaved": self._remove,
        }

    async def _list(self, call: Call) -> list[Any]:
        told = await BusRequest(self._handle, SavedRequest()).run()
        return [[variants(search) for search in told["searches"]]]

    async def _save(self, call: Call) -> list[Any]:
        name, query, options = plain(call.arguments)
        fields = {key: options[key] for key in _OPTIONS if key in options}
        return await self._done({"op": "saved-add", "name": name, "query": query, **fields})

    async def _rename(self, call: Call) -> list[Any]:
        name, new = plain(call.arguments)
        return await self._done({"op": "saved-rename", "name": name, "new": new})

    async def _remove(self, call: Call) -> list[Any]:
        (name,) = plain(call.arguments)
        return await self._done({"op": "saved-remove", "name": name})

    async def _done(self, message: Message) -> list[Any]:
        """The result of a request; an error is a part of it."""
        try:
            return [variants(await BusRequest(self._handle, decoded(message)).run())]
        except RequestError as error:
            return [variants({"error": error.to_message()})]
