"""Jumping to a month, where pictures are in the order of their dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk

from texts import _

if TYPE_CHECKING:
    from grid.results import Results

_FEWEST = 2  # months to choose between
_MOST_YEARS = 10  # that are written beside the scale
_PAGE = 12  # months


class Scrubber(Gtk.Scale):
    """A scale of the months that are there; it follows where the pictures are scrolled to."""

    __gtype_name__ = "CsearchScrubber"

    def __init__(self, results: Results, adjustment: Gtk.Adjustment) -> None:
        """`adjustment` scrolls the results."""
        super().__init__(orientation=Gtk.Orientation.VERTICAL, draw_value=False, visible=False)
        self.add_css_class("scrubber")
        self.set_round_digits(0)
        self.set_tooltip_text(_("Jump to a month"))
        self.update_property([Gtk.AccessibleProperty.LABEL], [_("Jump to a month")])
        self._results = results
        self._months: list[tuple[str, str]] = []  # as ISO 8601 has them, and as people write them
        self._moving = False  # the scale and the pictures, one after the other
        self.connect("value-changed", lambda _scale: self._jump())
        results.connect("divided", lambda _results: self._fill())
        adjustment.connect("value-changed", lambda _adjustment: self._follow())

    def _fill(self) -> None:
        months = self._results.months()
        self.set_visible(len(months) >= _FEWEST)
        if months == self._months or not self.get_visible():
            return
        self._months = months
        self.clear_marks()
        first = {month[:4]: number for number, (month, _text) in reversed([*enumerate(months)])}
        years = sorted(first.items(), key=lambda one: one[1])
        for year, number in years[:: -(-len(years) // _MOST_YEARS)]:
            self.add_mark(number, Gtk.PositionType.RIGHT, year or None)
        self._moving = True
        self.set_range(0, len(months) - 1)
        self.set_increments(1, _PAGE)
        self._moving = False
        self._follow()

    def _jump(self) -> None:
        self._tell()
        if not self._moving:
            self._moving = True
            self._results.jump(round(self.get_value()))
            self._moving = False

    def _follow(self) -> None:
        if not self._moving and self.get_visible():
            self._moving = True
            self.set_value(self._results.heading_in_sight())
            self._moving = False
            self._tell()

    def _tell(self) -> None:
        _month, text = self._months[min(round(self.get_value()), len(self._months) - 1)]
        self.update_property([Gtk.AccessibleProperty.VALUE_TEXT], [text])
