"""Queries that somebody has stayed with are kept, to be offered again, unless the user's settings
say otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GLib

from query import pictures

if TYPE_CHECKING:
    from bus.service import Service

_STAYED = 3  # seconds
_REMOVE: bool = GLib.SOURCE_REMOVE


class Remembering:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._timer = 0

    def answered(self, query: str) -> None:
        """Pictures are shown for it from now on."""
        self.left()
        if query.strip() and not pictures.are_in(query):
            self._timer = GLib.timeout_add_seconds(_STAYED, self._keep, query)

    def left(self) -> None:
        """They aren't any more."""
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0

    def _keep(self, query: str) -> bool:
        self._timer = 0
        options = {"top": GLib.Variant("u", 1), "remember": GLib.Variant("b", True)}
        self._service.search(query, [], options, lambda *_: None)
        return _REMOVE
