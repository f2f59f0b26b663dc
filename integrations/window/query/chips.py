"""The pictures that are searched with, each with a button that takes it away."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gi.repository import Gtk

from query.chip import chip
from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from query.pictures import Picture


class Chips(Gtk.Box):
    __gtype_name__ = "CsearchChips"

    def __init__(self, changed: Callable[[], object]) -> None:
        super().__init__(spacing=6, visible=False)
        self.add_css_class("chips")
        self.pictures: list[Picture] = []
        self._changed = changed

    def add(self, pictures: Iterable[Picture]) -> None:
        for picture in pictures:
            if picture not in self.pictures:
                self.pictures.append(picture)
        self._show()

    def clear(self) -> None:
        self.pictures = []
        self._show()

    def remove_last(self) -> None:
        self._remove(self.pictures[-1])

    def _remove(self, picture: Picture) -> None:
        self.pictures.remove(picture)
        self._show()
        self._changed()

    def _show(self) -> None:
        while child := self.get_first_child():
            self.remove(child)
        if self.pictures:
            self.append(Gtk.Label(label=_("Like")))
        for picture in self.pictures:
            without = _("Search without {name}").format(name=picture.name)
            self.append(chip(picture.name, without, partial(self._remove, picture)))
        self.set_visible(bool(self.pictures))
