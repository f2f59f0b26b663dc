"""The window of keyboard shortcuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk

from texts import _

if TYPE_CHECKING:
    from collections.abc import Iterable

# Groups fill columns of 20 lines, headings counted; with a third one GTK 4.18 warns of its labels.
_GROUPS = (
    (
        _("Search"),
        (
            (_("Describe a picture"), "<Control>f"),
            (_("Search everywhere"), "<Control>e"),
            (_("Search below a folder"), "<Control>o"),
            (_("To the pictures"), "Down"),
            (_("Filters"), "<Control><Shift>f"),
            (_("Back"), "<Alt>Left"),
            (_("Forward"), "<Alt>Right"),
            (_("Clear, then close"), "Escape"),
        ),
    ),
    (
        _("Pictures"),
        (
            (_("Open"), "Return"),
            (_("Open With…"), "<Control><Shift>Return"),
            (_("Show in Folder"), "<Control>Return"),
            (_("Copy"), "<Control>c"),
            (_("Find Similar Images"), "<Control>d"),
            (_("Properties"), "<Alt>Return"),
            (_("Select all"), "<Control>a"),
            (_("Move to Trash"), "Delete"),
            (_("Undo"), "<Control>z"),
            (_("Menu"), "Menu <Shift>F10"),
        ),
    ),
    (
        _("Looking"),
        (
            (_("View"), "space"),
            (_("Information"), "F9"),
            (_("Words in the Picture"), "<Control>t"),
            (_("Larger"), "<Control>plus"),
            (_("Smaller"), "<Control>minus"),
            (_("Usual size"), "<Control>0"),
        ),
    ),
    (
        _("General"),
        (
            (_("Save Search"), "<Control>s"),
            (_("Saved Searches"), "<Control>b"),
            (_("Main Menu"), "F10"),
            (_("Preferences"), "<Control>comma"),
            (_("Keyboard Shortcuts"), "<Control>question"),
            (_("Help"), "F1"),
            (_("Close the Window"), "<Control>w"),
            (_("Quit"), "<Control>q"),
        ),
    ),
)


def shortcuts_window(parent: Gtk.Window) -> Gtk.ShortcutsWindow:
    """Its parts can only be put together by a GtkBuilder before GTK 4.14."""
    groups = "".join(_group(title, entries) for title, entries in _GROUPS)
    text = (
        '<interface><object class="GtkShortcutsWindow" id="window"><property name="modal">1'
        '</property><child><object class="GtkShortcutsSection"><property name="section-name">all'
        f'</property><property name="max-height">20</property>{groups}</object></child></object>'
        "</interface>"
    )
    window: Gtk.ShortcutsWindow = Gtk.Builder.new_from_string(text, -1).get_object("window")
    window.set_transient_for(parent)
    return window


def _group(title: str, entries: Iterable[tuple[str, str]]) -> str:
    shortcuts = "".join(
        '<child><object class="GtkShortcutsShortcut">'
        f'<property name="title">{GLib.markup_escape_text(name)}</property>'
        f'<property name="accelerator">{GLib.markup_escape_text(keys)}</property></object></child>'
        for name, keys in entries
    )
    return (
        '<child><object class="GtkShortcutsGroup">'
        f'<property name="title">{GLib.markup_escape_text(title)}</property>{shortcuts}'
        "</object></child>"
    )
