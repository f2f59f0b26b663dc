"""Asks for the name of a saved search."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gi.repository import Gtk, Pango

from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable

    # Called with the name, and whether it may take another one's place.
    Named = Callable[[bytes, bool], object]

_CHARACTERS = 28


class Naming(Gtk.Popover):
    """Enter or the button gives the name to `named`, which says by `refuse` what is wrong with it,
    or closes this."""

    __gtype_name__ = "CsearchNaming"

    def __init__(self, title: str, act: str) -> None:
        super().__init__()
        self._named: Named | None = None
        self._before: Gtk.Widget | None = None  # what had the keyboard
        self._entry = Gtk.Entry(activates_default=True, width_chars=_CHARACTERS)
        self._entry.update_property([Gtk.AccessibleProperty.LABEL], [_("Name")])
        self._entry.connect("changed", lambda _entry: self._clear())
        self._note = _line("second", Gtk.AccessibleRole.LABEL)
        self._failure = _line("failure", Gtk.AccessibleRole.ALERT)
        self._replace = Gtk.Button(label=_("Replace"), visible=False)
        self._replace.add_css_class("destructive-action")
        self._replace.connect("clicked", lambda _button: self._give(True))
        self._act = Gtk.Button(label=act)
        self._act.add_css_class("suggested-action")
        self._act.connect("clicked", lambda _button: self._give(False))
        buttons = Gtk.Box(spacing=6, halign=Gtk.Align.END)
        buttons.append(self._replace)
        buttons.append(self._act)
        heading = Gtk.Label(label=title, xalign=0)
        heading.add_css_class("heading")
        self._box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=9)
        self._box.add_css_class("naming")
        for part in (heading, self._entry, self._note, self._failure, buttons):
            self._box.append(part)
        self.set_child(self._box)
        self.set_default_widget(self._act)
        self.connect("closed", lambda _popover: self._give_back())

    def ask(self, name: str, note: str, named: Named) -> None:
        """Proposes a name; `note` says more of what is to have it."""
        self._named = named
        self._before = self.get_root().get_focus()
        self._entry.set_text(name)
        self._note.set_text(note)
        self._note.set_visible(bool(note))
        self._clear()
        self.popup()
        self._entry.grab_focus()  # which selects all of it

    def refuse(self, text: str, replaceable: bool = False) -> None:
        """The name isn't taken; `replaceable`: unless it takes another one's place."""
        self._failure.set_text(text)
        self._failure.set_visible(True)
        self._replace.set_visible(replaceable)
        # GTK 4.8 forgets the shadow when it asks how high the text is at its width.
        width = self._box.measure(Gtk.Orientation.HORIZONTAL, -1)[1]
        self._box.set_size_request(-1, self._box.measure(Gtk.Orientation.VERTICAL, width)[1])

    def _give_back(self) -> None:
        """The keyboard, to where it was."""
        before = self._before
        if isinstance(before, Gtk.Text):  # in the field
            before.grab_focus_without_selecting()
        elif before and before.get_mapped():
            before.grab_focus()

    def _clear(self) -> None:
        self._failure.set_visible(False)
        self._replace.set_visible(False)
        self._box.set_size_request(-1, -1)
        self._act.set_sensitive(bool(self._entry.get_text().strip()))

    def _give(self, replace: bool) -> None:
        name = self._entry.get_text().strip()
        if name and self._named:
            self._named(os.fsencode(name), replace)


def _line(style: str, role: Gtk.AccessibleRole) -> Gtk.Label:
    label = Gtk.Label(xalign=0, wrap=True, visible=False, accessible_role=role)
    label.set_wrap_mode(Pango.WrapMode.WORD_CHAR)
    label.set_max_width_chars(_CHARACTERS)
    label.add_css_class(style)
    return label
