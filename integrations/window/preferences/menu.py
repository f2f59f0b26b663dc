"""The main menu of the window, and what it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gio, Gtk

from dialogs import present
from preferences.help import Help
from preferences.preferences import Preferences
from preferences.shortcuts import shortcuts_window
from texts import _

try:
    from gi.repository import Adw
except ImportError:
    Adw = None

if TYPE_CHECKING:
    from collections.abc import Callable

    from background import Workers
    from bus.service import Service, Values
    from window import Window

_KEYS = {
    "win.preferences": ["<Control>comma"],
    "win.shortcuts": ["<Control>question"],
    "win.help": ["F1"],
}


def install(window: Window, service: Service, workers: Workers) -> Gtk.MenuButton:
    """Adds the actions to the window; the menu's button is for its header."""

    def add(name: str, act: Callable[[], object]) -> None:
        action = Gio.SimpleAction.new(name, None)
        action.connect("activate", lambda *_: act())
        window.add_action(action)

    def make_preferences() -> Preferences:
        return Preferences(window, service, workers)

    add("preferences", lambda: present(Preferences, make_preferences))
    add("shortcuts", lambda: present(Gtk.ShortcutsWindow, lambda: shortcuts_window(window)))
    add("help", lambda: present(Help, lambda: Help(window, service)))
    add("about", lambda: service.status(lambda status: _show_about(window, status)))
    for action, keys in _KEYS.items():
        window.get_application().set_accels_for_action(action, keys)

    menu = Gio.Menu()
    menu.append(_("Add Folder…"), "win.add-folder")
    menu.append(_("Review Duplicates"), "app.duplicates")
    other = Gio.Menu()
    other.append(_("Preferences"), "win.preferences")
    other.append(_("Keyboard Shortcuts"), "win.shortcuts")
    other.append(_("Help"), "win.help")
    other.append(_("About Picture Search"), "win.about")
    menu.append_section(None, other)
    button = Gtk.MenuButton(icon_name="open-menu-symbolic", menu_model=menu, primary=True)
    button.set_tooltip_text(_("Main Menu"))
    button.update_property([Gtk.AccessibleProperty.LABEL], [_("Main Menu")])
    return button


def _show_about(window: Window, status: Values) -> None:
    told = {
        "version": status.get("version", ""),
        "license_type": Gtk.License.MIT_X11,
        "comments": _("Finds pictures by what they show. Everything stays on this computer."),
    }
    name, icon = _("Picture Search"), window.get_icon_name()
    modern = Adw and hasattr(Adw, "AboutWindow")

    def make() -> Gtk.Window:
        if modern:
            about = Adw.AboutWindow(application_name=name, application_icon=icon, **told)
        else:
            about = Gtk.AboutDialog(program_name=name, logo_icon_name=icon, modal=True, **told)
        about.set_transient_for(window)
        return about

    present(Adw.AboutWindow if modern else Gtk.AboutDialog, make)
