"""The bar of filters, below the header."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gi.repository import Gio, GLib, Gtk, Pango

from filtering.choices import Choices
from filtering.times import TIMES, Times, shown
from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from bus.service import Service
    from filtering.filters import Filters

_LONGEST = 18  # characters of a value on a button
SORTS = {
    "": _("Best match first"),
    "date": _("Newest first"),
    "date reversed": _("Oldest first"),
    "name": _("By name"),
    "name reversed": _("By name, last first"),
    "size": _("Largest first"),
    "size reversed": _("Smallest first"),
}


class _Kind(NamedTuple):
    """A filter whose values are chosen from a list."""

    filter: str
    title: str
    label: Callable[[str], str] = str


def _stars(value: str) -> str:
    """>=4 as stars and "or more"."""
    count = value.removeprefix(">=")
    if count == "5":
        return "★" * 5
    return _("{stars} or more").format(stars="★" * int(count)) if count.isdecimal() else value


def _camera(value: str) -> str:
    """nikon d750 as Nikon D750."""
    words = value.split()
    return " ".join(w.upper() if any(map(str.isdigit, w)) else w.title() for w in words)


_KINDS = (
    _Kind("near", _("Place")),
    _Kind("camera", _("Camera"), _camera),
    _Kind("folder", _("Folder")),
    _Kind("type", _("Type"), str.upper),
    _Kind("rating", _("Rating"), _stars),
    _Kind("tag", _("Tag")),
)


class Bar(Gtk.ScrolledWindow):
    """Buttons that write filters into the query; the last one chooses the order."""

    __gtype_name__ = "CsearchFilterBar"

    def __init__(self, filters: Filters, service: Service) -> None:
        super().__init__()
        self.set_policy(Gtk.PolicyType.AUTOMATIC, Gtk.PolicyType.NEVER)
        self._filters = filters
        self._buttons: list[tuple[_Button, tuple[str, ...], Callable[[str], str]]] = []
        box = Gtk.Box(spacing=6, accessible_role=Gtk.AccessibleRole.TOOLBAR)
        box.add_css_class("filters")
        box.update_property([Gtk.AccessibleProperty.LABEL], [_("Filters")])
        times = Times(service, lambda: filters.value(TIMES), lambda word: filters.put(TIMES, word))
        self._add(box, _Button(_("Any time"), times), TIMES, shown)
        for kind in _KINDS:
            choices = Choices(kind.filter, service, filters, kind.label)
            self._add(box, _Button(kind.title, choices), (kind.filter,), kind.label)
        menu = Gio.Menu()
        for order, title in SORTS.items():
            item = Gio.MenuItem.new(title, None)
            item.set_action_and_target_value("win.sort", GLib.Variant("s", order))
            menu.append_item(item)
        self._sort = _Button(_("Sort"), Gtk.PopoverMenu.new_from_model(menu))
        self._sort.set_hexpand(True)
        self._sort.set_halign(Gtk.Align.END)
        box.append(self._sort)
        self.set_child(box)

    def _add(
        self, box: Gtk.Box, button: _Button, names: tuple[str, ...], label: Callable[[str], str]
    ) -> None:
        box.append(button)
        self._buttons.append((button, names, label))

    def show_filters(self) -> None:
        """The buttons say what is filtered by."""
        for button, names, label in self._buttons:
            value = self._filters.value(names)
            button.show_value(label(value) if value else "")

    def show_sort(self, order: str) -> None:
        self._sort.show_value(SORTS[order] if order else "")


class _Button(Gtk.MenuButton):
    """Shows its title, or the value that is set."""

    __gtype_name__ = "CsearchFilterButton"

    def __init__(self, title: str, popover: Gtk.Popover) -> None:
        super().__init__(popover=popover)
        self._title = title
        self._label = Gtk.Label(max_width_chars=_LONGEST)
        box = Gtk.Box(spacing=6)
        box.append(self._label)
        box.append(Gtk.Image(icon_name="pan-down-symbolic"))
        self.set_child(box)
        self.show_value("")

    def show_value(self, value: str) -> None:
        text = value or self._title
        self._label.set_text(text)
        # Only a long text may be cut: the bar scrolls where there is no room for all buttons.
        cut = len(text) > _LONGEST
        self._label.set_ellipsize(Pango.EllipsizeMode.END if cut else Pango.EllipsizeMode.NONE)
        self._label.set_width_chars(_LONGEST if cut else -1)
        name = f"{self._title}: {value}" if value else self._title
        self.update_property([Gtk.AccessibleProperty.LABEL], [name])
        (self.add_css_class if value else self.remove_css_class)("filtering")
