"""The field for the query."""

from __future__ import annotations

from gi.repository import Gtk

from texts import _


class Field(Gtk.SearchEntry):
    """Knows what is typed from what the program writes."""

    __gtype_name__ = "CsearchField"

    def __init__(self) -> None:
        super().__init__(hexpand=True, placeholder_text=_("Describe a picture"))
        self.update_property([Gtk.AccessibleProperty.LABEL], [_("Describe a picture")])
        self.is_written = False  # by the program, just now

    def set_text(self, text: str) -> None:
        self.is_written = True
        try:
            Gtk.SearchEntry.set_text(self, text)
        finally:
            self.is_written = False

    def complete(self, start: int, end: int, text: str) -> None:
        """Replaces what stands from `start` to `end`, and goes on behind it."""
        query = self.get_text()
        self.set_text(query[:start] + text + query[end:])
        self.set_position(start + len(text))
