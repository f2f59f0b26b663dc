"""The pictures that were found."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from gi.repository import Gdk, Gio, GLib, GObject, Gtk

from grid.item import Item, content
from grid.mosaic import Mosaic
from grid.picking import Picking
from grid.row_height import RowHeight
from grid.sections import sections
from grid.tile import Tile
from texts import _, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bus.service import Hit
    from grid.thumbnails import Thumbnails

__all__ = ["Item", "Results", "content"]

_REMEMBERED = 300  # pictures that are kept while another search is shown
_PIXELS = 8_000_000  # of thumbnails that are kept while they are not shown
_NEAR_THE_END = 60  # items before the last, from where more are wanted


class Results(Mosaic):
    """Pictures, best first. `selected()` are those that an action is about;
    what changes files is about those of `chosen()` alone."""

    __gtype_name__ = "CsearchResults"
    # The keys lead elsewhere: forwards, or back to where was asked.
    left = GObject.Signal(arg_types=(bool,))
    activated = GObject.Signal("activate", arg_types=(int,))  # by its number in `items`
    selection_changed = GObject.Signal("selection-changed")
    # All that certainly matches is nearly in sight.
    ending = GObject.Signal()
    # It may be divided into other months.
    divided = GObject.Signal()
    # All pictures are wanted that this one stands for.
    unfolded = GObject.Signal(arg_types=(object,))

    def __init__(self, thumbnails: Thumbnails) -> None:
        self._size = RowHeight()
        super().__init__(self._size.pixels)
        self.update_property([Gtk.AccessibleProperty.LABEL], [_("Pictures found")])
        self.selection.connect("selection-changed", lambda *_: self.emit("selection-changed"))
        self._thumbnails = thumbnails
        self._items: OrderedDict[bytes, Item] = OrderedDict()
        self._painted: OrderedDict[Item, int] = OrderedDict()  # pixels of their thumbnails
        self._pixels = 0
        self._folded: list[Item] = []  # what hardly matches
        self.in_sight = 0  # items up to the last one that is nearly in sight
        self._certain = 0  # the first ones of those shown, that match at least fairly
        self._unfolded = False
        self._open: set[Item] = set()  # those of stacks that were opened
        self.large: Item | None = None  # looked at alone; it need not match any more
        self._menu: Gtk.PopoverMenu | None = None
        self.foot = Gtk.Button(has_frame=False, visible=False)
        self.foot.add_css_class("divider")
        self.foot.connect("clicked", lambda _button: self.unfold())
        self.foot.set_parent(self)
        self._picking = Picking(
            self,
            lambda position: self.emit("activate", position),
            lambda forwards: self.emit("left", forwards),
            self._popup,
        )

    @property
    def items(self) -> list[Item]:
        """What is shown, in its order."""
        return list(self.shown)

    def show(
        self,
        hits: Iterable[Hit],
        nearest: bool = False,
        again: bool = False,
        top: int = 0,
    ) -> None:
        """Shows (path, score, fields), best first.

        What hardly matches is folded, unless all of it does (`nearest`). Where the same was asked
        `again`, what was opened, selected and in sight stays so; where there are more than the
        `top` that were asked for (0: there aren't), those that were shown beyond them stay, too.
        """
        keep = self._keyboard()
        if not again:
            self._open.clear()
        items = self._spread([self._item(path, fields) for path, _score, fields in hits])
        if again and top:
            there = set(items)
            beyond = [*self.shown, *self._folded][top:]
            items += [item for item in beyond if item not in there]
        while len(self._items) > max(_REMEMBERED, len(items)):
            self._items.popitem(last=False)
        sure = items if nearest else [item for item in items if not item.weak]
        self._folded = [] if nearest else [item for item in items if item.weak]
        self._certain = len(sure)
        self._unfolded = again and self._unfolded
        if self._unfolded:
            sure, self._folded = sure + self._folded, []
        settle = self.anchored() if again else self._to_the_top
        self._replace(sure)
        self._divide()
        settle()
        keep()

    def append(self, hits: Iterable[Hit]) -> None:
        """What follows those that are shown."""
        there = {item.path for item in self.shown}
        new = [self._item(path, fields) for path, _, fields in hits if path not in there]
        sure = [item for item in new if not item.weak]
        weak = [item for item in new if item.weak]
        if self._unfolded:
            self.store.splice(len(self.shown), 0, weak)
        else:
            self._folded += weak
        self.store.splice(self._certain, 0, sure)
        self._certain += len(sure)
        self._divide()

    def insert_alike(self, leader: Item, items: list[Item]) -> None:
        """Those that `leader` stands for, behind it."""
        found, position = self.store.find(leader)
        if not found:
            return
        there = set(self.shown)
        new = [item for item in items if item not in there]
        self._open.update((leader, *items))
        for item in new:
            item.leader = leader
        self._spread([leader])
        self.store.splice(position + 1, 0, new)
        if position < self._certain:
            self._certain += len(new)
        self._divide()

    def remove(self, paths: set[bytes]) -> None:
        """Pictures that have gone."""
        keep = self._keyboard()
        if self.large and self.large.path in paths:
            self.large = None
        for position in reversed(range(len(self.shown))):
            if self.shown[position].path in paths:
                self.store.remove(position)
                if position < self._certain:
                    self._certain -= 1
        self._folded = [item for item in self._folded if item.path not in paths]
        self._divide()
        keep()

    def close(self) -> None:
        """Shows and keeps nothing any more."""
        self.show([])
        self.large = None
        self._items.clear()
        self._painted.clear()
        super().close()

    def unfold(self) -> None:
        """Shows what hardly matches, too."""
        self._unfolded = True
        folded, self._folded = self._folded, []
        begin = len(self.shown)
        self.store.splice(begin, 0, folded)
        self._divide()
        if folded:
            GLib.idle_add(lambda: self._picking.select(begin))

    def empty(self) -> bool:
        """Whether nothing is there, folded neither."""
        return not self.shown and not self._folded

    def matching(self) -> int:
        """How many of those shown match, with those they stand for; 0 where none does fairly."""
        return sum(1 + len(item.alike) for item in self.shown[: self._certain])

    def known(self, path: bytes) -> Item:
        """The item of a picture."""
        item = self._items.pop(path, None) or Item(path)
        self._items[path] = item
        return item

    def focus(self, item: Item) -> None:
        """Selects an item alone, and moves the keyboard there."""
        found, position = self.store.find(item)
        if found:
            self._picking.select(position)

    def focus_first(self) -> None:
        """The keys act on the best picture now."""
        if self.shown:
            self._to_the_top()
            self._picking.select(0)
        elif self.foot:
            self.foot.grab_focus()

    def months(self) -> list[tuple[str, str]]:
        """The months (as ISO 8601 has them) of its sections, and their headings."""
        return [(section.month, section.heading) for section in self._sections if section.month]

    def chosen(self) -> list[Item]:
        """The selected items, or the one that is looked at."""
        if self.large:
            return [self.large]
        chosen = self.selection.get_selection()
        return [self.shown[chosen.get_nth(index)] for index in range(chosen.get_size())]

    def selected(self) -> list[Item]:
        """The selected items, else the first."""
        return self.chosen() or self.shown[:1]

    def resize(self, steps: int) -> None:
        """Larger pictures, smaller ones (below 0), or of the usual size (0)."""
        self._size.change(steps)
        self.set_row_height(self._size.pixels)

    def set_menu(self, model: Gio.MenuModel) -> None:
        """What a right click and the menu key show."""
        self._menu = Gtk.PopoverMenu.new_from_model(model)
        self._menu.set_parent(self)
        self._menu.set_has_arrow(False)
        self._menu.set_halign(Gtk.Align.START)
        keys = Gtk.ShortcutController()
        for name in ("Menu", "<Shift>F10"):
            shortcut = Gtk.ShortcutTrigger.parse_string(name)
            action = Gtk.CallbackAction.new(lambda *_: self._popup_at_focus())
            keys.add_shortcut(Gtk.Shortcut.new(shortcut, action))
        self.add_controller(keys)

    def do_size_allocate(self, width: int, height: int, baseline: int) -> None:
        Mosaic.do_size_allocate(self, width, height, baseline)
        if self._menu:
            self._menu.present()

    # For Mosaic

    def make_tile(self) -> Tile:
        return Tile(lambda item: self.emit("unfolded", item))

    def appear(self, item: Item, width: int, height: int) -> None:
        pixels = round(max(width, height) * self.get_scale_factor())
        if item in self._painted:
            self._painted.move_to_end(item)
        if item.asked < pixels:
            item.asked = pixels
            self._thumbnails.want(
                item.path, pixels, lambda: item.shown > 0, lambda found: self._paint(item, found)
            )

    def end_in_sight(self, end: int) -> None:
        self.in_sight = end
        if end >= self._certain - _NEAR_THE_END and self._certain:
            self.emit("ending")

    # Of its own

    def _item(self, path: bytes, fields: dict[str, object]) -> Item:
        item = self.known(path)
        item.leader = None
        item.tell(fields)
        return item

    def _spread(self, items: list[Item]) -> list[Item]:
        """With those behind each that it stands for no more, as its stack was opened."""
        spread: dict[Item, None] = {}
        for leader in items:
            spread[leader] = None
            behind = [self._items.get(path) for path in leader.alike]
            opened = [item for item in behind if item and item in self._open]
            for item in opened:
                item.confidence, item.leader = leader.confidence, leader
                spread[item] = None
            if opened:
                paths = {item.path for item in opened}
                leader.alike = [path for path in leader.alike if path not in paths]
                leader.emit("changed")
        return list(spread)

    def _replace(self, items: list[Item]) -> None:
        """Shows `items`; those that were selected stay so."""
        chosen = self.selection.get_selection()
        selected = {self.shown[chosen.get_nth(index)] for index in range(chosen.get_size())}
        there, begin = self.items, 0
        while begin < min(len(there), len(items)) and there[begin] is items[begin]:
            begin += 1
        self.store.splice(begin, len(there) - begin, items[begin:])
        for position, item in enumerate(items[begin:], begin):
            if item in selected:
                self.selection.select_item(position, False)

    def _keyboard(self) -> Callable[[], None]:
        """Call what it returns once others are shown: where all that was selected has gone, and
        the keyboard was there, both go to what took its place."""
        here = self.focused() if self.chosen() else None

        def keep() -> None:
            if here is not None and self.shown and not self.chosen():
                self._picking.select(min(here, len(self.shown) - 1))

        return keep

    def _divide(self) -> None:
        self.arrange(sections(self.shown, self._certain))
        self.emit("divided")
        if self.foot:
            count = len(self._folded)
            self.foot.set_visible(bool(count))
            self.foot.set_label(_("Less certain ({n})").format(n=number(count)))

    def _paint(self, item: Item, texture: Gdk.Texture | None) -> None:
        """Keeps those thumbnails that were shown last."""
        if texture is None:
            return
        item.texture = texture
        self._pixels += texture.get_width() * texture.get_height() - self._painted.pop(item, 0)
        self._painted[item] = texture.get_width() * texture.get_height()
        for other in list(self._painted):
            if self._pixels <= _PIXELS:
                break
            if not other.shown:
                self._pixels -= self._painted.pop(other)
                other.texture, other.asked = None, 0

    def _to_the_top(self) -> None:
        if self.adjustment:
            self.adjustment.set_value(0)

    def _popup_at_focus(self) -> bool:
        child = self.get_focus_child()
        if child is None or not self._menu:
            return False
        x, y = child.translate_coordinates(self, child.get_width() / 2, child.get_height() / 2)
        self._popup(x, y)
        return True

    def _popup(self, x: float, y: float) -> None:
        if self._menu is None:
            return
        place = Gdk.Rectangle()
        place.x, place.y, place.width, place.height = int(x), int(y), 1, 1
        self._menu.set_pointing_to(place)
        self._menu.popup()
