"""What preferences are made of: groups of rows. With GTK alone, as libadwaita need not be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk, Pango

from accessible_names import call

if TYPE_CHECKING:
    from collections.abc import Callable


class Group(Gtk.Box):
    """A title, and rows in a frame."""

    __gtype_name__ = "CsearchPreferencesGroup"

    def __init__(self, title: str) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        heading = Gtk.Label(label=title, xalign=0, accessible_role=Gtk.AccessibleRole.HEADING)
        heading.add_css_class("heading")
        self._rows = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        self.append(heading)
        self.append(Gtk.Frame(child=self._rows))

    def add(self, row: Gtk.Widget) -> None:
        if self._rows.get_first_child():
            self._rows.append(Gtk.Separator())
        self._rows.append(row)

    def clear(self) -> None:
        while child := self._rows.get_first_child():
            self._rows.remove(child)


class Row(Gtk.Box):
    """Two lines of text, and what can be done at their end."""

    __gtype_name__ = "CsearchPreferencesRow"

    def __init__(self, title: str, text: str = "", end: Gtk.Widget | None = None) -> None:
        super().__init__(spacing=12)
        self.add_css_class("row")
        lines = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, hexpand=True)
        lines.set_valign(Gtk.Align.CENTER)
        above = Gtk.Label(label=title, xalign=0, wrap=True, wrap_mode=Pango.WrapMode.WORD_CHAR)
        above.set_visible(bool(title))
        lines.append(above)
        self.text = Gtk.Label(xalign=0, wrap=True, wrap_mode=Pango.WrapMode.WORD_CHAR)
        self.text.add_css_class("second")
        lines.append(self.text)
        self.append(lines)
        self.tell(text)
        if end:
            end.set_valign(Gtk.Align.CENTER)
            self.append(end)

    def tell(self, text: str) -> None:
        self.text.set_text(text)
        self.text.set_visible(bool(text))


def switch(title: str, active: bool, changed: Callable[[bool], object]) -> Gtk.Switch:
    made = Gtk.Switch(active=active)
    made.update_property([Gtk.AccessibleProperty.LABEL], [title])
    made.connect("notify::active", lambda made, _property: changed(made.get_active()))
    return made


def button(label: str, pressed: Callable[[], object], name: str = "") -> Gtk.Button:
    """`name`: for assistive technology, where the label alone doesn't say what it is about."""
    made = Gtk.Button(label=label)
    if name:
        call(made, name)
    made.connect("clicked", lambda _button: pressed())
    return made
