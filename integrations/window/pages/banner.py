"""A line above the pictures."""

from __future__ import annotations

from gi.repository import Gtk


class Banner(Gtk.Box):
    __gtype_name__ = "CsearchBanner"

    def __init__(self) -> None:
        super().__init__(visible=False, accessible_role=Gtk.AccessibleRole.STATUS)
        self.add_css_class("banner")
        self._label = Gtk.Label(wrap=True, xalign=0, hexpand=True)
        self.append(self._label)

    def show(self, text: str) -> None:
        """ "" for none."""
        self._label.set_text(text)
        self.set_visible(bool(text))
