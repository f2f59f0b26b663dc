"""The filters of the query: by hand, as chips, and offered while somebody types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk

from filtering.bar import Bar
from filtering.chips import FilterChips
from filtering.filters import Filters
from filtering.suggestions import Suggestions
from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from bus.service import Service
    from saved.collection import Collection


class Filtering:
    """The parts, each for its place in the window; `button` shows and hides the bar."""

    def __init__(
        self,
        field: Gtk.SearchEntry,
        service: Service,
        settle: Callable[[], object],
        saved: Collection,
    ) -> None:
        """`settle()` is called before the query is changed: that is another step."""
        self.button = Gtk.ToggleButton(icon_name="view-list-symbolic", action_name="win.filters")
        self.button.set_tooltip_text(_("Filters"))
        self.button.update_property([Gtk.AccessibleProperty.LABEL], [_("Filters")])
        self.filters = Filters(field, self._show, settle)
        self.bar = Bar(self.filters, service)
        self.bar.set_visible(False)
        self.chips = FilterChips()
        self.suggestions = Suggestions(field, service, saved)

    def _show(self) -> None:
        self.chips.show_filters(self.filters)
        self.bar.show_filters()
