"""What a saved search leaves out: all but so many, or what hardly matches; each with a button that
takes it away."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gi.repository import Gtk

from query.chip import chip
from query.steps import Limits
from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LEAST = {"fair": _("Only what matches"), "strong": _("Only what matches well")}


class LimitChips(Gtk.Box):
    __gtype_name__ = "CsearchLimitChips"

    def __init__(self, settle: Callable[[], object], changed: Callable[[], object]) -> None:
        """`settle()` is called before one is taken away: that is another step."""
        super().__init__(spacing=6, visible=False)
        self.add_css_class("chips")
        self.limits = Limits()
        self._settle = settle
        self._changed = changed

    def set_limits(self, limits: Limits) -> None:
        self.limits = limits
        while child := self.get_first_child():
            self.remove(child)
        for text, without in named(limits):
            remove = _("Search without {name}").format(name=text)
            self.append(chip(text, remove, partial(self._remove, without)))
        self.set_visible(self.get_first_child() is not None)

    def _remove(self, without: Limits) -> None:
        self._settle()
        self.set_limits(without)
        self._changed()


def named(limits: Limits) -> Iterator[tuple[str, Limits]]:
    """Each limit for people, and those that are left without it."""
    if limits.top:
        text = ngettext("At most {n} picture", "At most {n} pictures", limits.top)
        yield text.format(n=number(limits.top)), limits._replace(top=0)
    if limits.least in _LEAST:
        yield _LEAST[limits.least], limits._replace(least="")
