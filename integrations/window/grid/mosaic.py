"""Rows of tiles below headings, of which only those near what is in sight are widgets."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from gi.repository import Gdk, Gio, GLib, Gtk

from grid.item import Item
from grid.rows import Row, rows
from grid.tile import Tile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_HEADING = 44  # pixels, its margins included
_BESIDE = 0.5  # pages above and below what is in sight that are ready
_NARROWEST, _NATURAL = 240, 900  # pixels


class Section(NamedTuple):
    heading: str  # "" for none
    length: int  # of its items
    month: str = ""  # of which they are all, as ISO 8601 has it


class Mosaic(Gtk.Widget):
    """The tiles of `store`, in sections. It is the child of a viewport."""

    __gtype_name__ = "CsearchMosaic"

    def __init__(self, height: int) -> None:
        """`height`: that of a row, about."""
        super().__init__(accessible_role=Gtk.AccessibleRole.GRID)
        self.add_css_class("pictures")
        self.store = Gio.ListStore(item_type=Item)
        self.shown: list[Item] = []  # what is in the store, where Python finds it sooner
        self._changing = self.store.connect("items-changed", self._items_changed)
        self.selection = Gtk.MultiSelection(model=self.store)
        self.selection.connect("selection-changed", lambda *_: self._show_chosen())
        self.foot: Gtk.Widget | None = None  # stands below all
        self.band: tuple[Gtk.Widget, Gdk.Rectangle] | None = None  # over them, and where
        self._height = height
        self._sections: list[Section] = []
        self._width = 0  # for which the rows are
        self._rows: list[Row] = []
        self._tops: list[int] = []  # of the rows
        self._total = 0
        self._headings: list[tuple[int, str]] = []  # from the top, and its text
        self._tiles: dict[int, Tile] = {}
        self._spare: list[Tile] = []
        self._labels: dict[int, Gtk.Label] = {}
        self._populating = 0
        self.adjustment: Gtk.Adjustment | None = None
        self.connect("realize", lambda _: self._realized())
        self.connect("destroy", lambda _: self._empty())

    def arrange(self, sections: Iterable[Section]) -> None:
        """What is in the store, in other sections."""
        self._sections = list(sections)
        width = self._width or self.get_width() or _NATURAL
        self._width = 0
        self._lay_out(width)
        self._populate()
        self.queue_resize()

    def set_row_height(self, height: int) -> None:
        self._height = height
        self.arrange(self._sections)

    # What subclasses do

    def appear(self, item: Item, width: int, height: int) -> None:
        """An item is shown on so many pixels of the layout."""

    def end_in_sight(self, end: int) -> None:
        """The items before `end` are nearly in sight."""

    def make_tile(self) -> Tile:
        raise NotImplementedError

    # Where things are

    def at(self, x: float, y: float) -> int | None:
        """The number of the item at a point."""
        row = self._row_at(y)
        if row is None or y >= row.y + row.height:
            return None
        if self.get_direction() == Gtk.TextDirection.RTL:
            x = self.get_width() - x
        for number, (left, width) in enumerate(row.places, row.first):
            if left <= x < left + width:
                return number
        return None

    def within(self, x: float, y: float, right: float, bottom: float) -> Iterator[int]:
        """The numbers of the items that a rectangle touches."""
        if self.get_direction() == Gtk.TextDirection.RTL:
            x, right = self.get_width() - right, self.get_width() - x
        for row in self._rows[max(bisect_right(self._tops, y) - 1, 0) :]:
            if row.y > bottom:
                return
            if row.y + row.height < y:
                continue
            for number, (left, width) in enumerate(row.places, row.first):
                if left < right and left + width > x:
                    yield number

    def beside(self, position: int, rows_down: int) -> int | None:
        """The item that is so many rows below another one (above: below 0); None beyond the end."""
        index = self._row_of(position)
        target = index + rows_down
        if not 0 <= target < len(self._rows):
            return None
        row = self._rows[index]
        left, width = row.places[position - row.first]
        middle = left + width / 2
        other = self._rows[target]
        away = [abs(left + width / 2 - middle) for left, width in other.places]
        return other.first + away.index(min(away))

    def rows_in_page(self) -> int:
        page = self.adjustment.get_page_size() if self.adjustment else 0
        return max(int(page // (self._height + 1)), 1)

    def tile(self, position: int) -> Tile | None:
        """The widget of an item that is in sight."""
        return self._tiles.get(position)

    def focused(self) -> int | None:
        """The number of the item that has the keyboard."""
        child = self.get_focus_child()
        return child.position if isinstance(child, Tile) else None

    def jump(self, number: int) -> None:
        """Scrolls to a heading."""
        self._lay_out(self._width or self.get_width())
        if self.adjustment and number < len(self._headings):
            self.adjustment.set_value(self._headings[number][0])

    def heading_in_sight(self) -> int:
        """The number of the heading above what is at the top."""
        top = self.adjustment.get_value() if self.adjustment else 0.0
        return max(bisect_right([y for y, _text in self._headings], top) - 1, 0)

    def grab(self, position: int) -> None:
        """Moves the keyboard to an item, and the item into sight."""
        self._lay_out(self._width or self.get_width())
        if not self._rows or position >= len(self.shown):
            return
        row = self._rows[self._row_of(position)]
        if self.adjustment:
            # With the heading above it, or the padding.
            self.adjustment.clamp_page(row.y - _HEADING, row.y + row.height + _HEADING)
        self._populate({position})
        self._tiles[position].grab_focus()

    def anchored(self) -> Callable[[], None]:
        """Call what it returns once others are shown: what is in sight stays where it is, unless
        that is the beginning."""
        top = self.adjustment.get_value() if self.adjustment else 0.0
        if not top:
            return lambda: None
        index = max(bisect_right(self._tops, top) - 1, 0)
        seen = [
            (item, row.y - top)
            for row in self._rows[index:]
            for item in self.shown[row.first : row.first + len(row.places)]
        ]

        def settle() -> None:
            positions = {item: position for position, item in enumerate(self.shown)}
            for item, below in seen:
                if item in positions:
                    self._scroll_to(self._rows[self._row_of(positions[item])].y - below)
                    return

        return settle

    def _scroll_to(self, top: float) -> None:
        if self.adjustment:
            # It learns how high all are when GTK lays them out: later.
            end = self._total + self._foot_height()
            self.adjustment.set_upper(max(self.adjustment.get_upper(), end))
            self.adjustment.set_value(top)

    # What GTK asks

    def do_get_request_mode(self) -> Gtk.SizeRequestMode:
        return Gtk.SizeRequestMode.HEIGHT_FOR_WIDTH

    def do_measure(self, orientation: Gtk.Orientation, for_size: int) -> tuple[int, int, int, int]:
        if orientation == Gtk.Orientation.HORIZONTAL:
            return _NARROWEST, _NATURAL, -1, -1
        self._lay_out(for_size if for_size > 0 else self._width or _NATURAL)
        total = self._total + self._foot_height()
        return total, total, -1, -1

    def do_size_allocate(self, width: int, _height: int, _baseline: int) -> None:
        self._lay_out(width)
        self._scrolled()  # for that width others may be in sight
        mirrored = self.get_direction() == Gtk.TextDirection.RTL
        for position, tile in self._tiles.items():
            if position >= len(self.shown):
                continue
            row = self._rows[self._row_of(position)]
            x, wide = row.places[position - row.first]
            _place(tile, width - x - wide if mirrored else x, row.y, wide, row.height)
        for number, label in self._labels.items():
            _place(label, 0, self._headings[number][0], width, _HEADING)
        if self.foot and self.foot.get_visible():
            _place(self.foot, 0, self._total, width, self._foot_height())
        if self.band:
            widget, box = self.band
            _place(widget, box.x, box.y, box.width, box.height)

    # Rows

    def _lay_out(self, width: int) -> None:
        if width == self._width:
            return
        self._width = width
        self._rows, self._headings = [], []
        first = y = 0
        for heading, length, _month in self._sections:
            if heading:
                self._headings.append((y, heading))
                y += _HEADING
            aspects = [item.aspect for item in self.shown[first : first + length]]
            found = rows(aspects, width, self._height, first, y)
            self._rows += found
            if found:
                y = found[-1].y + found[-1].height + 8
            first += length
        self._tops = [row.y for row in self._rows]
        self._total = y

    def _foot_height(self) -> int:
        return _HEADING + 12 if self.foot and self.foot.get_visible() else 0

    def _row_of(self, position: int) -> int:
        low, high = 0, len(self._rows)
        while high - low > 1:
            middle = (low + high) // 2
            if self._rows[middle].first <= position:
                low = middle
            else:
                high = middle
        return low

    def _row_at(self, y: float) -> Row | None:
        index = bisect_right(self._tops, y) - 1
        return self._rows[index] if index >= 0 else None

    # Widgets

    def _realized(self) -> None:
        parent = self.get_parent()
        if isinstance(parent, Gtk.Viewport) and self.adjustment is None:
            self.adjustment = parent.get_vadjustment()
            self.adjustment.connect("value-changed", lambda _: self._scrolled())
            self.adjustment.connect("notify::page-size", lambda *_: self._scrolled())

    def _in_sight(self) -> tuple[int, int]:
        """The first item that is nearly in sight, and the one after the last."""
        if not self._rows:
            return 0, 0
        top, page = 0.0, 600.0
        if self.adjustment:
            top = self.adjustment.get_value()
            page = min(self.adjustment.get_page_size(), 4000.0)
        first = max(bisect_right(self._tops, top - page * _BESIDE) - 1, 0)
        last = max(bisect_right(self._tops, top + page * (1 + _BESIDE)) - 1, first)
        return self._rows[first].first, self._rows[last].first + len(self._rows[last].places)

    def _scrolled(self) -> None:
        """Widgets come and go before GTK lays them out, not meanwhile."""
        first, end = self._in_sight()
        if end > first and not (first in self._tiles and end - 1 in self._tiles):
            self._populate_soon()

    def _populate_soon(self) -> None:
        def run() -> bool:
            self._populating = 0
            self._populate()
            return bool(GLib.SOURCE_REMOVE)

        if not self._populating:
            self._populating = GLib.idle_add(run, priority=GLib.PRIORITY_HIGH)

    def _populate(self, more: Iterable[int] = ()) -> None:
        """Gives tiles to the items that are nearly in sight, and to the one with the keyboard."""
        first, end = self._in_sight()
        wanted = {*range(first, end), *more}
        focused = self.get_focus_child()
        if isinstance(focused, Tile) and focused.item:
            found, position = self.store.find(focused.item)
            wanted.update([position] if found else [])
        # A picture keeps its tile, wherever it moves.
        there = {tile.item: tile for tile in self._tiles.values()}
        self._tiles = {}
        for position in sorted(wanted):
            if tile := there.pop(self.shown[position], None):
                self._tiles[position] = tile
        self._spare += there.values()
        for position in sorted(wanted):
            item = self.shown[position]
            tile = self._tiles.get(position) or self._new_tile()
            self._tiles[position] = tile
            tile.bind(item, position)
            tile.choose(self.selection.is_selected(position))
            row = self._rows[self._row_of(position)]
            self.appear(item, row.places[position - row.first][1], row.height)
        for tile in self._spare:
            tile.unbind()
            tile.set_visible(False)
        self._show_headings()
        self._put_in_order()
        self.queue_allocate()
        self.end_in_sight(end)

    def _put_in_order(self) -> None:
        """Assistive technology goes by the order of the widgets."""
        placed: list[tuple[int, int, Gtk.Widget]] = [
            (self._headings[number][0], -1, label) for number, label in self._labels.items()
        ]
        for position, tile in self._tiles.items():
            placed.append((self._rows[self._row_of(position)].y, position, tile))
        before: Gtk.Widget | None = None
        for *_where, widget in sorted(placed, key=lambda one: one[:2]):
            if widget.get_prev_sibling() is not before:
                widget.insert_after(self, before)
            before = widget

    def _new_tile(self) -> Tile:
        if self._spare:
            tile = self._spare.pop()
            tile.set_visible(True)
            return tile
        tile = self.make_tile()
        tile.set_parent(self)
        return tile

    def _show_headings(self) -> None:
        top = self.adjustment.get_value() if self.adjustment else 0.0
        page = self.adjustment.get_page_size() if self.adjustment else 600.0
        tops = [y for y, _text in self._headings]
        wanted = range(
            bisect_right(tops, top - page * _BESIDE - _HEADING),
            bisect_right(tops, top + page * (1 + _BESIDE)),
        )
        for number in [number for number in self._labels if number not in wanted]:
            self._labels.pop(number).unparent()
        for number in wanted:
            if number not in self._labels:
                label = Gtk.Label(xalign=0, accessible_role=Gtk.AccessibleRole.HEADING)
                label.add_css_class("heading")
                label.set_parent(self)
                self._labels[number] = label
            self._labels[number].set_text(self._headings[number][1])

    def _items_changed(self, store: Gio.ListStore, at: int, removed: int, added: int) -> None:
        self.shown[at : at + removed] = [store[number] for number in range(at, at + added)]

    def _show_chosen(self) -> None:
        for position, tile in self._tiles.items():
            if position < len(self.shown):
                tile.choose(self.selection.is_selected(position))

    def close(self) -> None:
        """The window is closed."""
        self.store.disconnect(self._changing)
        self._empty()

    def _empty(self) -> None:
        while child := self.get_first_child():
            child.unparent()
            child.run_dispose()  # see `freeing`


def _place(widget: Gtk.Widget, x: int, y: int, width: int, height: int) -> None:
    widget.measure(Gtk.Orientation.HORIZONTAL, -1)
    widget.measure(Gtk.Orientation.VERTICAL, width)
    box = Gdk.Rectangle()
    box.x, box.y, box.width, box.height = x, y, width, height
    widget.size_allocate(box, -1)
