"""`org.csearch.Csearch1`: csearch's own interface; its XML file says what the methods do."""

from __future__ import annotations

from typing import Any

from dbus_fast import Variant

from csearch.protocol import Message
from csearchd.serve.dbus.asking import Asking, Newest
from csearchd.serve.dbus.interfaces import interface
from csearchd.serve.dbus.objects import Call, Object, Objects
from csearchd.serve.dbus.values import plain, variants
from csearchd.serve.request import Handler

PATH = "/org/csearch/Csearch1"
_DEFAULTS = {"scopes": None, "top": 10, "wait": "none"}
_OURS = ("op", "query", "stream")  # what an option can't change


class Own:
    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._searches = Newest()
        self.objects: Objects | None = None  # of the connection, once there is one
        self.object = Object(
            interface("org.csearch.Csearch1"),
            {"Search": self._search, "Answer": self._answer, "Status": self._status},
        )

    def changed(self, status: Message) -> None:
        """Tells everybody."""
        parts = {key: status[key] for key in ("state", "images", "pending")}
        self._signal("Changed", variants(parts), None)

    async def _search(self, call: Call) -> list[Any]:
        query, options = call.arguments[0], plain(call.arguments[1])
        fields = {key: value for key, value in options.items() if key not in _OURS}

        async def progress(fields: Message) -> None:
            self._signal("Progress", variants(fields), call.sender)

        async def hits(fields: Message) -> None:
            self._signal("Hits", [_hit(hit) for hit in fields["hits"]], call.sender)

        message = {"op": "search", "query": query, **_DEFAULTS, **fields}
        asking = Asking(self._handle, message, progress, hits if options.get("stream") else None)
        result = await self._searches.run(call.sender, asking)
        return [[_hit(hit) for hit in asking.hits], variants(result)]

    async def _answer(self, call: Call) -> list[Any]:
        if asking := self._searches.current(call.sender):
            asking.request.answer_now.set()
        return []

    async def _status(self, call: Call) -> list[Any]:
        return [variants(await Asking(self._handle, {"op": "status"}).run())]

    def _signal(self, member: str, value: Any, destination: str | None) -> None:
        if self.objects:
            self.objects.signal(PATH, member, [value], destination)


def _hit(hit: Message) -> list[bytes | float | dict[str, Variant]]:
    """(ayda{sv}): path, score, and whatever else is known."""
    rest = {key: value for key, value in hit.items() if key not in ("path", "score")}
    return [hit["path"], hit["score"] or 0.0, variants(rest)]
