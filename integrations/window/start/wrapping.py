"""Widgets beside each other, in as many rows as they need.

GtkFlowBox aligns them in columns, and libadwaita's AdwWrapBox is newer than some desktops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gdk, Gtk

if TYPE_CHECKING:
    from collections.abc import Iterator

_GAP = 6


class Wrapping(Gtk.Box):
    """Its children in rows from the start of the line, as wide as they like to be, or with `small`
    as narrow as they can."""

    __gtype_name__ = "CsearchWrapping"

    def __init__(self, name: str, small: bool = False) -> None:
        super().__init__(accessible_role=Gtk.AccessibleRole.GROUP)
        self.update_property([Gtk.AccessibleProperty.LABEL], [name])
        self.set_layout_manager(_Rows(small))


class _Rows(Gtk.LayoutManager):
    __gtype_name__ = "CsearchWrappingRows"

    def __init__(self, small: bool) -> None:
        super().__init__()
        self._small = small

    def do_get_request_mode(self, widget: Gtk.Widget) -> Gtk.SizeRequestMode:
        return Gtk.SizeRequestMode.HEIGHT_FOR_WIDTH

    def do_measure(
        self, widget: Gtk.Widget, orientation: Gtk.Orientation, for_size: int
    ) -> tuple[int, int, int, int]:
        sizes = [self._size(child) for child in _children(widget)]
        if orientation == Gtk.Orientation.HORIZONTAL:
            widest = max((least for least, _, _ in sizes), default=0)
            whole = sum(width + _GAP for _, width, _ in sizes) - _GAP
            return widest, max(widest, whole), -1, -1
        if for_size < 0:  # all in one row
            for_size = sum(width + _GAP for _, width, _ in sizes)
        rows = list(_rows(sizes, for_size))
        height = rows[-1][1] + max(size[2] for size in sizes) if sizes else 0
        return height, height, -1, -1

    def do_allocate(self, widget: Gtk.Widget, width: int, height: int, baseline: int) -> None:
        children = list(_children(widget))
        sizes = [self._size(child) for child in children]
        mirrored = widget.get_direction() == Gtk.TextDirection.RTL
        for child, (x, y, wide), size in zip(children, _rows(sizes, width), sizes, strict=True):
            place = Gdk.Rectangle()
            place.x = width - x - wide if mirrored else x
            place.y, place.width, place.height = y, wide, size[2]
            child.size_allocate(place, -1)

    def _size(self, child: Gtk.Widget) -> tuple[int, int, int]:
        """The least and the wanted width, and the height at that."""
        least, wanted, _, _ = child.measure(Gtk.Orientation.HORIZONTAL, -1)
        wanted = least if self._small else wanted
        low, high, _, _ = child.measure(Gtk.Orientation.VERTICAL, wanted)
        return least, wanted, low if self._small else high


def _children(widget: Gtk.Widget) -> Iterator[Gtk.Widget]:
    child = widget.get_first_child()
    while child:
        yield child
        child = child.get_next_sibling()


def _rows(sizes: list[tuple[int, int, int]], width: int) -> Iterator[tuple[int, int, int]]:
    """For each child its x, its y and its width."""
    x = y = tallest = 0
    for least, natural, height in sizes:
        wide = max(least, min(natural, width))
        if x and x + wide > width:
            x, y, tallest = 0, y + tallest + _GAP, 0
        yield x, y, wide
        x, tallest = x + wide + _GAP, max(tallest, height)
