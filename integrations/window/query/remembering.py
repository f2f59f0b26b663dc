"""Queries that somebody has stayed with are kept, to be offered again, unless the user's settings
say otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GLib

from query import pictures
from timer import Timer

if TYPE_CHECKING:
    from bus.service import Service

_STAYED = 3000  # milliseconds


class Remembering:
    def __init__(self, service: Service) -> None:
        """`service`: over another connection than the searches of the window, as asking for
        something else there ends what is asked for."""
        self._service = service
        self._timer = Timer()

    def answered(self, query: str) -> None:
        """Pictures are shown for it from now on."""
        self.left()
        if query.strip() and not pictures.are_in(query):
            self._timer.start(_STAYED, lambda: self._keep(query))

    def left(self) -> None:
        """They aren't any more."""
        self._timer.stop()

    def _keep(self, query: str) -> None:
        options = {"top": GLib.Variant("u", 1), "remember": GLib.Variant("b", True)}
        self._service.search(query, [], options, lambda *_: None)
