"""The grid of pictures that were found."""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING

from gi.repository import Gdk, Gio, GLib, GObject, Gtk, Pango

from texts import _

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bus.service import Hit
    from grid.thumbnails import Thumbnails

SIDE = 168  # of a picture, in pixels of the layout
_REMEMBERED = 300  # pictures that keep their thumbnails while they are not shown


class Item(GObject.Object):
    """A picture that was found."""

    __gtype_name__ = "CsearchItem"
    texture = GObject.Property(type=Gdk.Texture)
    confidence = GObject.Property(type=str, default="")
    incomplete = GObject.Property(type=bool, default=False)  # its file lacks a part of it

    def __init__(self, path: bytes) -> None:
        super().__init__()
        self.path = path
        self.file = Gio.File.new_for_path(os.fsdecode(path))
        self.name: str = GLib.filename_display_basename(os.fsdecode(path))
        self.people = ""  # who is in it, as far as other programs have told
        self.by_name = ""  # the words that it is found by
        self.line = ""  # of words in the picture, which has what was looked for
        self.shown = 0  # cells that show it now
        self.asked = False

    @property
    def place(self) -> str:
        """The directory, the user's own home as ~."""
        directory = os.path.dirname(self.path)
        home = os.fsencode(GLib.get_home_dir())
        if directory == home or directory.startswith(home + b"/"):
            directory = b"~" + directory[len(home) :]
        name: str = GLib.filename_display_name(os.fsdecode(directory))
        return name


class Results(Gtk.GridView):
    """Pictures, best first. `selected()` are those that an action is about."""

    __gtype_name__ = "CsearchResults"
    # The keys lead elsewhere: forwards, or back to where was asked.
    left = GObject.Signal(arg_types=(bool,))
    selection_changed = GObject.Signal("selection-changed")

    def __init__(self, thumbnails: Thumbnails) -> None:
        self.store = Gio.ListStore(item_type=Item)
        self.selection = Gtk.MultiSelection(model=self.store)
        self.selection.connect("selection-changed", lambda *_: self.emit("selection-changed"))
        factory = Gtk.SignalListItemFactory()
        factory.connect("setup", self._setup)
        factory.connect("bind", self._bind)
        factory.connect("unbind", self._unbind)
        super().__init__(model=self.selection, factory=factory, max_columns=12, min_columns=2)
        self.add_css_class("pictures")
        self.update_property([Gtk.AccessibleProperty.LABEL], [_("Pictures found")])
        self._thumbnails = thumbnails
        self._items: OrderedDict[bytes, Item] = OrderedDict()
        self._menu: Gtk.PopoverMenu | None = None
        keys = Gtk.EventControllerKey(propagation_phase=Gtk.PropagationPhase.CAPTURE)
        keys.connect("key-pressed", self._key)
        self.add_controller(keys)

    def show(self, hits: Iterable[Hit]) -> None:
        """Shows (path, score, fields), best first; what was there stays as it is."""
        items = []
        for path, _score, fields in hits:
            item = self._items.pop(path, None) or Item(path)
            self._items[path] = item
            details = fields.get("details") or {}
            item.people = ", ".join(details.get("people", []))
            item.incomplete = bool(details.get("incomplete"))
            item.by_name = ", ".join(fields.get("by_name") or [])
            lines = fields.get("text") or []
            item.line = lines[0]["text"] if lines else ""
            item.confidence = fields.get("confidence") or ""
            item.notify("confidence")  # `by_name` may have changed alone
            items.append(item)
        while len(self._items) > max(_REMEMBERED, len(items)):
            self._items.popitem(last=False)
        there = list(self.store)
        if items[: len(there)] == there:  # more of the same: it may have been scrolled
            self.store.splice(len(there), 0, items[len(there) :])
            return
        self.store.splice(0, len(there), items)
        if items:  # the grid would follow a picture to its new place
            self.activate_action("list.scroll-to-item", GLib.Variant("u", 0))

    @property
    def items(self) -> list[Item]:
        """What is shown, in its order."""
        return list(self.store)

    def focus(self, item: Item) -> None:
        """Selects an item alone, and moves the keyboard there."""
        found, position = self.store.find(item)
        if found:
            self.activate_action("list.scroll-to-item", GLib.Variant("u", position))
            self.selection.select_item(position, True)

    def focus_first(self) -> None:
        """The keys act on the best picture now; the grid itself would take the one it had last."""
        self.get_vadjustment().set_value(0)
        cell = self.get_first_child()
        while isinstance(cell, Gtk.Popover):
            cell = cell.get_next_sibling()
        if cell:
            cell.grab_focus()
            self.selection.select_item(0, True)

    def _key(
        self, _keys: Gtk.EventControllerKey, value: int, _code: int, _state: Gdk.ModifierType
    ) -> bool:
        """Tab leaves the grid rather than go through all of it; Up from the first row, too."""
        if value in (Gdk.KEY_Tab, Gdk.KEY_ISO_Left_Tab, Gdk.KEY_Escape) or (
            value == Gdk.KEY_Up and self._is_at_the_top()
        ):
            self.emit("left", value == Gdk.KEY_Tab)
            return True
        return False

    def _is_at_the_top(self) -> bool:
        cell = self.get_focus_child()
        if cell is None or self.get_vadjustment().get_value() > 0:
            return False
        y: float = cell.translate_coordinates(self, 0, 0)[1]
        return y < SIDE / 2

    def selected(self) -> list[Item]:
        """The selected items, else the first."""
        chosen = self.selection.get_selection()
        items = [self.store[chosen.get_nth(index)] for index in range(chosen.get_size())]
        return items or list(self.store)[:1]

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
        Gtk.GridView.do_size_allocate(self, width, height, baseline)
        if self._menu:
            self._menu.present()

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

    def _setup(self, _factory: Gtk.SignalListItemFactory, cell: Gtk.ListItem) -> None:
        role = Gtk.AccessibleRole.PRESENTATION  # the cell itself has the name
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4, accessible_role=role)
        picture = Gtk.Picture(width_request=SIDE, height_request=SIDE)
        picture.set_overflow(Gtk.Overflow.HIDDEN)  # rounds the corners
        picture.set_keep_aspect_ratio(True)
        picture.add_css_class("picture")
        mark = Gtk.Image(icon_name="dialog-warning-symbolic", accessible_role=role, visible=False)
        mark.set_halign(Gtk.Align.END)
        mark.set_valign(Gtk.Align.END)
        mark.add_css_class("incomplete")
        framed = Gtk.Overlay(child=picture, halign=Gtk.Align.CENTER)
        framed.add_overlay(mark)
        label = Gtk.Label(ellipsize=Pango.EllipsizeMode.MIDDLE, max_width_chars=1)
        box.append(framed)
        box.append(label)
        drag = Gtk.DragSource(actions=Gdk.DragAction.COPY)
        drag.connect("prepare", self._drag, cell)
        box.add_controller(drag)
        click = Gtk.GestureClick(button=Gdk.BUTTON_SECONDARY)
        click.connect("pressed", self._clicked, cell, box)
        box.add_controller(click)
        cell.set_child(box)

    def _bind(self, _factory: Gtk.SignalListItemFactory, cell: Gtk.ListItem) -> None:
        item, box = cell.get_item(), cell.get_child()
        picture = box.get_first_child().get_child()
        flags = GObject.BindingFlags.SYNC_CREATE
        cell.bindings = [item.bind_property("texture", picture, "paintable", flags)]
        cell.weak = item.connect("notify", lambda item, _property: _mark(cell, item))
        _mark(cell, item)
        item.shown += 1
        if not item.texture and not item.asked:
            item.asked = True
            self._thumbnails.want(
                item.path, self.get_scale_factor(), lambda: item.shown > 0, lambda t: _put(item, t)
            )

    def _unbind(self, _factory: Gtk.SignalListItemFactory, cell: Gtk.ListItem) -> None:
        item = cell.get_item()
        item.shown -= 1
        if not item.texture:
            item.asked = False
        item.disconnect(cell.weak)
        for binding in cell.bindings:
            binding.unbind()
        cell.get_child().get_first_child().get_child().set_paintable(None)

    def _drag(
        self, source: Gtk.DragSource, _x: float, _y: float, cell: Gtk.ListItem
    ) -> Gdk.ContentProvider:
        item = cell.get_item()
        items = self.selected() if cell.get_selected() else [item]
        if item.texture:
            source.set_icon(item.texture, SIDE // 2, SIDE // 2)
        return content(items)

    def _clicked(
        self,
        _gesture: Gtk.GestureClick,
        _times: int,
        x: float,
        y: float,
        cell: Gtk.ListItem,
        box: Gtk.Box,
    ) -> None:
        if not cell.get_selected():
            self.selection.select_item(cell.get_position(), True)
        self._popup(*box.translate_coordinates(self, x, y))


def _mark(cell: Gtk.ListItem, item: Item) -> None:
    """Shows and tells assistive technology how well the picture of `cell` matches, and whether its
    file is incomplete."""
    box = cell.get_child()
    weak = item.confidence == "weak" and not item.by_name
    change = box.add_css_class if weak else box.remove_css_class
    change("weak")
    box.get_last_child().set_text(item.line or item.name)
    box.get_first_child().get_last_child().set_visible(item.incomplete)
    remarks = [_("Does not match well")] if weak else []
    if item.by_name:
        remarks.append(_("Found by name: {words}").format(words=item.by_name))
    if item.line:
        remarks.append(_("In the picture: “{text}”").format(text=item.line))
    remarks += [_("Incomplete: a part of the picture is missing")] if item.incomplete else []
    box.set_tooltip_text("\n".join(filter(None, (item.name, item.place, item.people, *remarks))))
    _describe(cell, item.name, ". ".join(remarks))


def _describe(cell: Gtk.ListItem, label: str, description: str) -> None:
    """Gives the cell its accessible name and description ("" for none)."""
    if hasattr(cell, "set_accessible_label"):  # GTK 4.12 and later
        cell.set_accessible_label(label)
        cell.set_accessible_description(description)
        return
    # Older versions bind a cell when its widget is in the grid already. Newer ones bind it before:
    # there the box has no parent yet, and must not be asked for one.
    widget = cell.get_child().get_parent()
    widget.update_property([Gtk.AccessibleProperty.LABEL], [label])
    if description:
        widget.update_property([Gtk.AccessibleProperty.DESCRIPTION], [description])
    else:
        widget.reset_property(Gtk.AccessibleProperty.DESCRIPTION)


def _put(item: Item, texture: Gdk.Texture | None) -> None:
    item.texture = texture


def content(items: list[Item]) -> Gdk.ContentProvider:
    """Files for the clipboard and for dragging, in the forms that programs take."""
    uris = [item.file.get_uri() for item in items]
    paths = b"\n".join(item.path for item in items)
    return Gdk.ContentProvider.new_union(
        [
            _bytes("text/uri-list", "".join(f"{uri}\r\n" for uri in uris).encode()),
            _bytes("x-special/gnome-copied-files", "\n".join(["copy", *uris]).encode()),
            _bytes("text/plain;charset=utf-8", paths.decode(errors="replace").encode()),
        ]
    )


def _bytes(kind: str, data: bytes) -> Gdk.ContentProvider:
    return Gdk.ContentProvider.new_for_bytes(kind, GLib.Bytes.new(data))
