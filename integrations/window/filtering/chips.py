"""The filters in the query, each with a button that removes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk, Pango

from texts import _

if TYPE_CHECKING:
    from filtering.filters import Filters

_LEAST = 12  # characters of a filter


class FilterChips(Gtk.Box):
    __gtype_name__ = "CsearchFilterChips"

    def __init__(self) -> None:
        super().__init__(spacing=6, visible=False)
        self.add_css_class("chips")

    def show_filters(self, filters: Filters) -> None:
        while child := self.get_first_child():
            self.remove(child)
        for filter, word in filters.words:
            chip = Gtk.Box(spacing=4)
            chip.add_css_class("chip")
            label = Gtk.Label(label=word, ellipsize=Pango.EllipsizeMode.MIDDLE, max_width_chars=32)
            label.set_width_chars(min(len(word), _LEAST))
            button = Gtk.Button(icon_name="window-close-symbolic", has_frame=False)
            remove = _("Remove the filter {filter}").format(filter=word)
            button.set_tooltip_text(remove)
            button.update_property([Gtk.AccessibleProperty.LABEL], [remove])
            button.connect("clicked", lambda _button, filter=filter: filters.remove(filter))
            chip.append(label)
            chip.append(button)
            self.append(chip)
        self.set_visible(self.get_first_child() is not None)
