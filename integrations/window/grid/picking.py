"""Choosing pictures in the grid with the mouse and the keyboard, and taking them elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gdk, Graphene, Gtk

from grid.item import content

if TYPE_CHECKING:
    from collections.abc import Callable

    from grid.item import Item
    from grid.mosaic import Mosaic

_ICON = 96  # pixels of the picture below the pointer
_CONTROL, _SHIFT = Gdk.ModifierType.CONTROL_MASK, Gdk.ModifierType.SHIFT_MASK


class Picking:
    def __init__(
        self,
        view: Mosaic,
        activate: Callable[[int], object],
        leave: Callable[[bool], object],
        menu: Callable[[float, float], object],
    ) -> None:
        """`leave(forwards)`: the keys lead out of the grid; `menu(x, y)` is wanted there."""
        self._view = view
        self._activate = activate
        self._leave = leave
        self._menu = menu
        self._anchor = 0  # where a range begins
        self._before: set[int] = set()  # what was selected before the rubber band
        self._band: Gtk.Widget | None = None
        keys = Gtk.EventControllerKey(propagation_phase=Gtk.PropagationPhase.CAPTURE)
        keys.connect("key-pressed", self._key)
        click = Gtk.GestureClick(button=Gdk.BUTTON_PRIMARY)
        click.connect("pressed", self._pressed)
        click.connect("released", self._released)
        other = Gtk.GestureClick(button=Gdk.BUTTON_SECONDARY)
        other.connect("pressed", self._clicked)
        band = Gtk.GestureDrag()
        band.connect("drag-begin", self._band_begins)
        band.connect("drag-update", self._band_moves)
        band.connect("drag-end", lambda *_: self._band_ends())
        band.connect("cancel", lambda *_: self._band_ends())
        drag = Gtk.DragSource(actions=Gdk.DragAction.COPY)
        drag.connect("prepare", self._drag)
        for controller in (keys, click, other, band, drag):
            view.add_controller(controller)

    def select(self, position: int) -> None:
        """It alone; the keyboard goes there."""
        self._anchor = position
        self._view.selection.select_item(position, True)
        self._view.grab(position)

    # Keys

    def _key(
        self, _keys: Gtk.EventControllerKey, value: int, _code: int, state: Gdk.ModifierType
    ) -> bool:
        """Tab leaves the grid rather than go through all of it; Up from the first row, too."""
        view = self._view
        here = view.focused()
        control, shift = bool(state & _CONTROL), bool(state & _SHIFT)
        if value in (Gdk.KEY_Tab, Gdk.KEY_ISO_Left_Tab, Gdk.KEY_Escape):
            self._leave(value == Gdk.KEY_Tab)
            return True
        if here is None:
            return self._key_at_the_foot(value)
        if control and value in (Gdk.KEY_a, Gdk.KEY_A):
            if shift:
                view.selection.unselect_all()
            else:
                view.selection.select_all()
            return True
        if control and value == Gdk.KEY_space:
            self._toggle(here)
            return True
        if state & Gdk.ModifierType.ALT_MASK:
            return False
        target = self._target(here, value)
        if target is None:
            return False
        if target < 0:
            self._leave(False)
        elif target >= len(view.shown):
            if view.foot and view.foot.get_visible():
                view.foot.grab_focus()
        elif shift:
            self._select_range(target, add=control)
            view.grab(target)
        elif control:
            view.grab(target)
        else:
            self.select(target)
        return True

    def _key_at_the_foot(self, value: int) -> bool:
        if value == Gdk.KEY_Up and len(self._view.shown):
            self.select(len(self._view.shown) - 1)
            return True
        return False

    def _target(self, here: int, value: int) -> int | None:
        """Where a key leads; below 0 out of the grid, and beyond the last item to its foot."""
        view = self._view
        last = len(view.shown) - 1
        mirrored = view.get_direction() == Gtk.TextDirection.RTL
        forwards, back = Gdk.KEY_Right, Gdk.KEY_Left
        if mirrored:
            forwards, back = back, forwards
        page = view.rows_in_page()
        if value == forwards:
            return min(here + 1, last)
        if value == back:
            return max(here - 1, 0)
        if value == Gdk.KEY_Up:
            above = view.beside(here, -1)
            return -1 if above is None else above
        if value == Gdk.KEY_Down:
            below = view.beside(here, 1)
            return last + 1 if below is None else below
        if value == Gdk.KEY_Page_Up:
            above = view.beside(here, -page)
            return 0 if above is None else above
        if value == Gdk.KEY_Page_Down:
            below = view.beside(here, page)
            return last if below is None else below
        ends: dict[int, int] = {Gdk.KEY_Home: 0, Gdk.KEY_End: last}
        return ends.get(value)

    def _toggle(self, position: int) -> None:
        selection = self._view.selection
        self._anchor = position
        if selection.is_selected(position):
            selection.unselect_item(position)
        else:
            selection.select_item(position, False)

    def _select_range(self, position: int, add: bool) -> None:
        """From the anchor up to an item."""
        first, last = sorted((self._anchor, position))
        self._view.selection.select_range(first, last - first + 1, not add)

    # Mouse

    def _pressed(self, gesture: Gtk.GestureClick, times: int, x: float, y: float) -> None:
        position = self._view.at(x, y)
        state = gesture.get_current_event_state()
        control, shift = bool(state & _CONTROL), bool(state & _SHIFT)
        if position is None:
            return
        if times == 2 and not control and not shift:
            self._activate(position)
        elif shift:
            self._select_range(position, add=control)
            self._view.grab(position)
        elif control:
            self._toggle(position)
            self._view.grab(position)
        elif not self._view.selection.is_selected(position):
            self.select(position)

    def _released(self, gesture: Gtk.GestureClick, times: int, x: float, y: float) -> None:
        """One of several is chosen alone only now: all of them may have been dragged."""
        position = self._view.at(x, y)
        state = gesture.get_current_event_state()
        if position is not None and times == 1 and not state & (_CONTROL | _SHIFT):
            self.select(position)

    def _clicked(self, _gesture: Gtk.GestureClick, _times: int, x: float, y: float) -> None:
        position = self._view.at(x, y)
        if position is None:
            return
        if not self._view.selection.is_selected(position):
            self.select(position)
        self._menu(x, y)

    # Rubber band

    def _band_begins(self, gesture: Gtk.GestureDrag, x: float, y: float) -> None:
        view = self._view
        if view.at(x, y) is not None or view.pick(x, y, Gtk.PickFlags.DEFAULT) is not view:
            gesture.set_state(Gtk.EventSequenceState.DENIED)
            return
        add = gesture.get_current_event_state() & (_CONTROL | _SHIFT)
        if not add:
            view.selection.unselect_all()
        chosen = view.selection.get_selection()
        self._before = {chosen.get_nth(index) for index in range(chosen.get_size())}

    def _band_moves(self, gesture: Gtk.GestureDrag, right: float, down: float) -> None:
        _there, x, y = gesture.get_start_point()
        left, end = sorted((x, x + right))
        top, bottom = sorted((y, y + down))
        if self._band is None:
            gesture.set_state(Gtk.EventSequenceState.CLAIMED)
            self._band = Gtk.Box(can_target=False)
            self._band.add_css_class("rubberband")
            self._band.set_parent(self._view)
        box = Gdk.Rectangle()
        box.x, box.y = int(left), int(top)
        box.width, box.height = int(end - left) + 1, int(bottom - top) + 1
        self._view.band = self._band, box
        self._view.queue_allocate()
        touched = self._before | set(self._view.within(left, top, end, bottom))
        chosen, mask = Gtk.Bitset.new_empty(), Gtk.Bitset.new_empty()
        for position in touched:
            chosen.add(position)
        mask.add_range(0, len(self._view.shown))
        self._view.selection.set_selection(chosen, mask)

    def _band_ends(self) -> None:
        if self._band:
            self._view.band = None
            self._band.unparent()
            self._band = None

    # Taking them elsewhere

    def _drag(self, source: Gtk.DragSource, x: float, y: float) -> Gdk.ContentProvider | None:
        view = self._view
        position = view.at(x, y)
        if position is None:
            return None
        items: list[Item] = [view.shown[position]]
        if view.selection.is_selected(position):
            chosen = view.selection.get_selection()
            items = [view.shown[chosen.get_nth(index)] for index in range(chosen.get_size())]
        source.set_icon(_icon(view, view.shown[position], len(items)), _ICON // 2, _ICON // 2)
        return content(items)


def _icon(view: Gtk.Widget, item: Item, count: int) -> Gdk.Paintable | None:
    """The picture, with how many there are."""
    if item.texture is None:
        return None
    scale = _ICON / max(item.texture.get_width(), item.texture.get_height())
    width, height = item.texture.get_width() * scale, item.texture.get_height() * scale
    snapshot = Gtk.Snapshot()
    item.texture.snapshot(snapshot, width, height)
    context = view.get_style_context()
    known, ground = context.lookup_color("theme_selected_bg_color")
    known_too, ink = context.lookup_color("theme_selected_fg_color")
    if count > 1 and known and known_too:
        layout = view.create_pango_layout(str(count))
        wide, high = layout.get_pixel_size()
        left, top = width - wide - 16, height - high - 8
        snapshot.append_color(ground, Graphene.Rect().init(left, top, wide + 12, high + 4))
        snapshot.translate(Graphene.Point().init(left + 6, top + 2))
        snapshot.append_layout(layout, ink)
    return snapshot.to_paintable(Graphene.Size().init(width, height))
