"""The filters in the query, each with a button that removes it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gi.repository import Gtk

from query.chip import chip
from texts import _

if TYPE_CHECKING:
    from filtering.filters import Filters


class FilterChips(Gtk.Box):
    __gtype_name__ = "CsearchFilterChips"

    def __init__(self) -> None:
        super().__init__(spacing=6, visible=False)
        self.add_css_class("chips")

    def show_filters(self, filters: Filters) -> None:
        while child := self.get_first_child():
            self.remove(child)
        for filter, word in filters.words:
            remove = _("Remove the filter {filter}").format(filter=word)
            self.append(chip(word, remove, partial(filters.remove, filter)))
        self.set_visible(self.get_first_child() is not None)
