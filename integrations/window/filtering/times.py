"""When pictures were taken: periods, and a span of months below a picture of their numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk

from filtering.histogram import Histogram
from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bus.service import Service

TIMES = ("after", "before", "on", "date")  # filters by time
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_MOST_MONTHS = 120  # bars; a longer time is shown by years


def shown(value: str) -> str:
    """What is filtered by, for the button: months as people write them."""
    first, dots, last = value.partition("..")
    if dots and first and last and first != last:
        return f"{_month(first)} – {_month(last)}"
    return _month(last if first == last else value)


def _month(text: str) -> str:
    match = _MONTH.fullmatch(text)
    if not match:
        return text
    date = GLib.DateTime.new_local(int(match[1]), int(match[2]), 1, 0, 0, 0)
    return date.format("%b %Y") if date else text


def _meet(one: str, other: str) -> bool:
    """Whether of two months or years one is within the other."""
    return one.startswith(other) or other.startswith(one)


class Times(Gtk.Popover):
    """`asked()` is what is filtered by; `take(word)` gets the filter as it is written. "" is any
    time."""

    __gtype_name__ = "CsearchTimes"

    def __init__(
        self, service: Service, asked: Callable[[], str], take: Callable[[str], object]
    ) -> None:
        super().__init__()
        self._service = service
        self._asked = asked
        self._take = take
        self._units: list[tuple[str, int]] = []  # months or years, and their pictures
        self._showing = False  # the lists below are being filled
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)
        box.append(self._periods())
        self._bars = Histogram(self._dragged)
        self._summary = Gtk.Label(xalign=0)
        self._summary.add_css_class("kind")
        self._first, self._last = (Gtk.DropDown(hexpand=True) for _side in range(2))
        self._span = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        ends = Gtk.Box(spacing=6)
        for title, choice in ((_("From"), self._first), (_("To"), self._last)):
            label = Gtk.Label(label=title, mnemonic_widget=choice)  # its name in newer GTK
            choice.connect("notify::selected", self._chosen)
            ends.append(label)
            ends.append(choice)
        for part in (self._bars, ends, self._summary):
            self._span.append(part)
        self._span.set_visible(False)
        box.append(self._span)
        self.set_child(box)
        self.connect("show", lambda _popover: self._service.choices("months", "", self._told))

    def _periods(self) -> Gtk.Widget:
        grid = Gtk.Grid(column_spacing=6, row_spacing=6, column_homogeneous=True)
        for place, (title, word) in enumerate(
            (
                (_("Any time"), lambda: ""),
                (_("Today"), lambda: "on:today"),
                (_("This week"), _this_week),
                (_("This year"), lambda: f"on:{_now().get_year()}"),
                (_("Last year"), lambda: f"on:{_now().get_year() - 1}"),
            )
        ):
            button = Gtk.Button(label=title)
            button.connect("clicked", self._clicked, word)
            grid.attach(button, place % 3, place // 3, 1, 1)
        return grid

    def _clicked(self, _button: Gtk.Button, word: Callable[[], str]) -> None:
        self.popdown()
        self._take(word())

    def _told(self, choices: list[dict[str, Any]]) -> None:
        counts = {one["value"]: one["count"] for one in choices}
        self._span.set_visible(bool(counts))
        if not counts:
            return
        months = _months_between(min(counts), max(counts))
        if len(months) > _MOST_MONTHS:
            years: dict[str, int] = dict.fromkeys(sorted({month[:4] for month in months}), 0)
            for month, count in counts.items():
                years[month[:4]] += count
            self._units = list(years.items())
        else:
            self._units = [(month, counts.get(month, 0)) for month in months]
        self._showing = True
        for choice, selected in zip((self._first, self._last), self._asked_span(), strict=True):
            choice.set_model(Gtk.StringList.new([_month(unit) for unit, _count in self._units]))
            choice.set_selected(selected)
        self._showing = False
        self._bars.set_counts([count for _unit, count in self._units])
        self._summarise()

    def _asked_span(self) -> tuple[int, int]:
        """The numbers of the first and the last unit that are filtered by; all others."""
        begin, dots, end = self._asked().partition("..")
        first = [number for number, (unit, _n) in enumerate(self._units) if _meet(unit, begin)]
        last = [
            number
            for number, (unit, _n) in enumerate(self._units)
            if _meet(unit, end if dots else begin)
        ]
        return (first or [0])[0], (last or [len(self._units) - 1])[-1]

    def _chosen(self, choice: Gtk.DropDown, _property: object) -> None:
        """A list was set: the other one follows where the span would be empty."""
        if self._showing:
            return
        first, last = self._first.get_selected(), self._last.get_selected()
        if first > last:
            self._set(*((first, first) if choice is self._first else (last, last)))
        self._apply()

    def _dragged(self, first: int, last: int, done: bool) -> None:
        self._set(first, last)
        if done:
            self._apply()
        else:
            self._summarise()

    def _set(self, first: int, last: int) -> None:
        self._showing = True
        self._first.set_selected(first)
        self._last.set_selected(last)
        self._showing = False

    def _apply(self) -> None:
        self._summarise()
        first, last = self._first.get_selected(), self._last.get_selected()
        begin, end = self._units[first][0], self._units[last][0]
        self._take(f"on:{begin}" if begin == end else f"date:{begin}..{end}")

    def _summarise(self) -> None:
        first, last = self._first.get_selected(), self._last.get_selected()
        count = sum(count for _unit, count in self._units[first : last + 1])
        text = ngettext("{n} picture", "{n} pictures", count).format(n=number(count))
        self._summary.set_text(text)
        self._bars.select(first, last)
        name = _("Pictures over time: {n} from {first} to {last}").format(
            n=number(count), first=_month(self._units[first][0]), last=_month(self._units[last][0])
        )
        self._bars.update_property([Gtk.AccessibleProperty.LABEL], [name])
        for choice, title, at in ((self._first, _("From"), first), (self._last, _("To"), last)):
            # In GTK 4.8 its name is that of the button inside, which has the keyboard.
            told = f"{title}: {_month(self._units[at][0])}"
            choice.get_first_child().update_property([Gtk.AccessibleProperty.LABEL], [told])


def _now() -> GLib.DateTime:
    return GLib.DateTime.new_now_local()


def _this_week() -> str:
    monday = _now().add_days(1 - _now().get_day_of_week())
    return f"after:{monday.format('%Y-%m-%d')}"


def _months_between(first: str, last: str) -> list[str]:
    """All months (YYYY-MM) from the first to the last."""
    begin, end = (int(month[:-3]) * 12 + int(month[-2:]) - 1 for month in (first, last))
    return [f"{at // 12:04}-{at % 12 + 1:02}" for at in range(begin, end + 1)]
