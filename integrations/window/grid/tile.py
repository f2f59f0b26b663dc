"""A picture in the grid: nothing but the picture at rest, when and where on hover and focus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk, Pango

from accessible_names import call
from texts import _, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from grid.item import Item

_HIDDEN = Gtk.AccessibleRole.PRESENTATION  # the tile itself has the name


class Tile(Gtk.Overlay):
    __gtype_name__ = "CsearchTile"

    def __init__(self, opened: Callable[[Item], object]) -> None:
        """`opened` is called when all pictures are wanted that the item stands for."""
        role = Gtk.AccessibleRole.GRID_CELL
        super().__init__(focusable=True, accessible_role=role, overflow=Gtk.Overflow.HIDDEN)
        self.add_css_class("tile")
        self.set_has_tooltip(True)
        self.connect("query-tooltip", self._ask_tooltip)
        self.item: Item | None = None
        self.position = -1
        self._is_chosen: bool | None = None
        self._opened = opened
        self._listening: list[int] = []
        self._picture = Gtk.Picture(accessible_role=_HIDDEN)
        self._picture.set_can_shrink(True)
        self.set_child(self._picture)
        self._caption = Gtk.Label(
            accessible_role=_HIDDEN, valign=Gtk.Align.END, ellipsize=Pango.EllipsizeMode.END
        )
        self._caption.add_css_class("caption")
        self._chosen = _mark("object-select-symbolic", Gtk.Align.START, Gtk.Align.START)
        self._broken = _mark("dialog-warning-symbolic", Gtk.Align.START, Gtk.Align.END)
        self._broken.add_css_class("incomplete")
        self._stack = Gtk.Button(
            focusable=False, halign=Gtk.Align.END, valign=Gtk.Align.START, visible=False
        )
        self._stack.add_css_class("stack")
        self._stack.connect("clicked", self._open)
        for part in (self._caption, self._broken, self._chosen, self._stack):
            self.add_overlay(part)

    def bind(self, item: Item, position: int) -> None:
        self.position = position
        if item is self.item:
            return
        self.unbind()
        self.item = item
        item.shown += 1
        self._listening = [
            item.connect("changed", lambda _item: self._tell()),
            item.connect("notify::texture", lambda item, _property: self._paint(item)),
        ]
        self._paint(item)
        self._tell()

    def unbind(self) -> None:
        if self.item:
            self.item.shown -= 1
            if not self.item.shown and not self.item.texture:
                self.item.asked = 0  # it isn't waited for any more
            for handler in self._listening:
                self.item.disconnect(handler)
            self._picture.set_paintable(None)
        self.item, self._listening = None, []

    def choose(self, chosen: bool) -> None:
        """Shows whether it is selected."""
        if chosen is self._is_chosen:
            return
        self._is_chosen = chosen
        self._chosen.set_visible(chosen)
        if chosen:
            self.set_state_flags(Gtk.StateFlags.SELECTED, False)
        else:
            self.unset_state_flags(Gtk.StateFlags.SELECTED)
        self.update_state([Gtk.AccessibleState.SELECTED], [int(chosen)])

    def _ask_tooltip(
        self, _tile: Gtk.Widget, _x: int, _y: int, _keyboard: bool, tooltip: Gtk.Tooltip
    ) -> bool:
        item = self.item
        if item is None:
            return False
        lines = (item.name, item.place, item.people, *item.remarks)
        tooltip.set_text("\n".join(filter(None, lines)))
        return True

    def _open(self, _button: Gtk.Button) -> None:
        if self.item:
            self._opened(self.item)

    def _paint(self, item: Item) -> None:
        self._picture.set_paintable(item.texture)

    def _tell(self) -> None:
        item = self.item
        if item is None:
            return
        self._caption.set_text(item.caption)
        self._broken.set_visible(item.incomplete)
        remarks = item.remarks
        if item.alike:
            count = number(len(item.alike) + 1)
            self._stack.set_label(count)
            text = _("Show all {n} that are nearly the same").format(n=count)
            self._stack.set_tooltip_text(text)
            call(self._stack, text)
        self._stack.set_visible(bool(item.alike))
        self.update_property([Gtk.AccessibleProperty.LABEL], [item.spoken])
        if remarks:
            self.update_property([Gtk.AccessibleProperty.DESCRIPTION], [". ".join(remarks)])
        else:
            self.reset_property(Gtk.AccessibleProperty.DESCRIPTION)


def _mark(icon: str, across: Gtk.Align, down: Gtk.Align) -> Gtk.Image:
    mark = Gtk.Image(icon_name=icon, accessible_role=_HIDDEN, visible=False)
    mark.set_halign(across)
    mark.set_valign(down)
    mark.add_css_class("mark")
    return mark
