"""The pictures that are searched with, each with a button that takes it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk, Pango

from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from query.pictures import Picture

_LEAST = 12  # characters of a name


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
            name = picture.name
            chip = Gtk.Box(spacing=4)
            chip.add_css_class("chip")
            label = Gtk.Label(label=name, ellipsize=Pango.EllipsizeMode.MIDDLE, max_width_chars=24)
            label.set_width_chars(min(len(name), _LEAST))
            button = Gtk.Button(icon_name="window-close-symbolic", has_frame=False)
            without = _("Search without {name}").format(name=name)
            button.set_tooltip_text(without)
            button.update_property([Gtk.AccessibleProperty.LABEL], [without])
            button.connect("clicked", lambda _button, picture=picture: self._remove(picture))
            chip.append(label)
            chip.append(button)
            self.append(chip)
        self.set_visible(bool(self.pictures))
