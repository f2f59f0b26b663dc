"""The line below the pictures."""

from __future__ import annotations

from gi.repository import Gtk


class State(Gtk.Label):
    __gtype_name__ = "CsearchState"

    def __init__(self) -> None:
        super().__init__(xalign=0, wrap=True, accessible_role=Gtk.AccessibleRole.STATUS)
        self.add_css_class("state")

    def say(self, text: str, failed: bool = False) -> None:
        """Shows a text, none if that is empty; `failed`: something has."""
        self.set_text(text)
        change = self.add_css_class if failed else self.remove_css_class
        change("failure")
        self.set_visible(bool(text))
