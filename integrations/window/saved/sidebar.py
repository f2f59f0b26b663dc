"""The list of saved searches, beside the pictures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gi.repository import Gdk, Gio, GObject, Gtk

from saved.row import Row
from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from saved.search import Saved

_WIDTH = 230  # pixels


class Sidebar(Gtk.Box):
    """Emits what is to be done with a saved search."""

    __gtype_name__ = "CsearchSidebar"
    run = GObject.Signal(arg_types=(object,))
    opened = GObject.Signal(arg_types=(object,))
    renamed = GObject.Signal(arg_types=(object,))
    removed = GObject.Signal(arg_types=(object,))
    left = GObject.Signal()

    def __init__(self) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, visible=False)
        self.add_css_class("saved")
        self.set_size_request(_WIDTH, -1)
        heading = Gtk.Label(label=_("Saved Searches"), xalign=0)
        heading.add_css_class("heading")
        self._list = Gtk.ListBox(selection_mode=Gtk.SelectionMode.NONE)
        self._list.add_css_class("navigation-sidebar")
        self._list.update_property([Gtk.AccessibleProperty.LABEL], [_("Saved Searches")])
        self._list.connect("row-activated", lambda _list, row: self.emit("run", row.search))
        nothing = Gtk.Label(label=_("Searches that you save are listed here."), wrap=True)
        nothing.add_css_class("second")
        self._list.set_placeholder(nothing)
        scrolled = Gtk.ScrolledWindow(child=self._list, vexpand=True)
        scrolled.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        self.append(heading)
        self.append(scrolled)
        self._about: Saved | None = None  # what the menu is about
        self._menu = self._make_menu()
        self._listen()

    def close(self) -> None:
        """The window is closed."""
        self._menu.unparent()

    def show_searches(self, searches: Sequence[Saved]) -> None:
        focused = self._focused()
        place = focused.get_index() if focused else 0
        while row := self._list.get_row_at_index(0):
            self._list.remove(row)
        for search in searches:
            self._list.append(Row(search, self._ask))
        if focused:
            rows = [self._list.get_row_at_index(index) for index in range(len(searches))]
            same = [row for row in rows if row.search.name == focused.search.name]
            for row in same or rows[min(place, len(rows) - 1) :][:1]:
                row.grab_focus()

    def focus(self) -> bool:
        """Whether there was something to give the keyboard to."""
        first = self._list.get_row_at_index(0)
        return bool(first and first.grab_focus())

    def row_of(self, search: Saved) -> Gtk.Widget:
        """What shows a search, or the list where nothing does any more."""
        index = 0
        while row := self._list.get_row_at_index(index):
            if row.search.name == search.name:
                return row
            index += 1
        return self._list

    def place_of(self, search: Saved) -> Gdk.Rectangle:
        """Where in here a search is shown."""
        row = self.row_of(search)
        place = Gdk.Rectangle()
        x, y = row.translate_coordinates(self, row.get_width() / 2, row.get_height())
        place.x, place.y, place.width, place.height = int(x), int(y), 1, 1
        return place

    def _focused(self) -> Row | None:
        row = self._list.get_focus_child()
        return row if isinstance(row, Row) else None

    def _make_menu(self) -> Gtk.PopoverMenu:
        actions = Gio.SimpleActionGroup()
        entries = Gio.Menu()
        for label, name in (
            (_("Open Folder"), "opened"),
            (_("Rename…"), "renamed"),
            (_("Remove"), "removed"),
        ):
            action = Gio.SimpleAction.new(name, None)
            action.connect("activate", lambda action, _value: self._act(action.get_name()))
            actions.add_action(action)
            entries.append(label, f"saved.{name}")
        self.insert_action_group("saved", actions)
        menu = Gtk.PopoverMenu.new_from_model(entries)
        menu.set_parent(self)
        menu.connect("closed", lambda _menu: self._about and self.row_of(self._about).grab_focus())
        return menu

    def _listen(self) -> None:
        keys = Gtk.ShortcutController()
        for names, act in (
            (("Menu", "<Shift>F10"), self._ask),
            (("F2",), partial(self._emit, "renamed")),
            (("Delete", "KP_Delete"), partial(self._emit, "removed")),
        ):
            for name in names:
                trigger = Gtk.ShortcutTrigger.parse_string(name)
                action = Gtk.CallbackAction.new(lambda *_, act=act: self._with_focused(act))
                keys.add_shortcut(Gtk.Shortcut.new(trigger, action))
        leave = Gtk.CallbackAction.new(lambda *_: self.emit("left") or True)
        keys.add_shortcut(Gtk.Shortcut.new(Gtk.ShortcutTrigger.parse_string("Escape"), leave))
        self._list.add_controller(keys)
        click = Gtk.GestureClick(button=Gdk.BUTTON_SECONDARY)
        click.connect("pressed", self._clicked)
        self._list.add_controller(click)

    def _with_focused(self, act: Callable[[Row], object]) -> bool:
        if row := self._focused():
            act(row)
        return row is not None

    def _clicked(self, _click: Gtk.GestureClick, _times: int, _x: float, y: float) -> None:
        if row := self._list.get_row_at_y(int(y)):
            self._ask(row)

    def _ask(self, row: Row) -> None:
        """What is to be done with it?"""
        self._about = row.search
        self._menu.set_pointing_to(self.place_of(row.search))
        self._menu.popup()

    def _act(self, name: str) -> None:
        if self._about:
            self.emit(name, self._about)

    def _emit(self, name: str, row: Row) -> None:
        self.emit(name, row.search)
