"""The scope of a search: everywhere, or below a folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gi.repository import Gio, GLib, Gtk, Pango

from dialogs import is_open
from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable


class Scope:
    """`folders` are paths, none for everywhere; the user chooses one, a saved search may have
    several."""

    def __init__(self, window: Gtk.Window, changed: Callable[[], object]) -> None:
        self.folders: tuple[bytes, ...] = ()
        self._window = window
        self._changed = changed
        self._label = Gtk.Label(
            ellipsize=Pango.EllipsizeMode.MIDDLE, width_chars=7, max_width_chars=20
        )
        box = Gtk.Box(spacing=6)
        box.append(self._label)
        box.append(Gtk.Image(icon_name="pan-down-symbolic"))
        menu = Gio.Menu()
        menu.append(_("Everywhere"), "win.everywhere")
        menu.append(_("Choose a Folder…"), "win.choose-folder")
        self.button = Gtk.MenuButton(child=box, menu_model=menu)
        self._chooser: Gtk.FileChooserNative | None = None  # GTK keeps none
        self._show()

    @property
    def folder(self) -> bytes | None:
        """The first one; None for everywhere."""
        return self.folders[0] if self.folders else None

    def set_folder(self, folder: bytes | None, told: bool = False) -> None:
        """Another place; `told`: the search is to follow."""
        self.set_folders((folder,) if folder else ())
        if told:
            self._changed()

    def set_folders(self, folders: tuple[bytes, ...]) -> None:
        self.folders = folders
        self._show()

    def choose(self) -> None:
        if is_open(self._chooser):
            return
        chooser = Gtk.FileChooserNative(
            title=_("Search below This Folder"),
            transient_for=self._window,
            action=Gtk.FileChooserAction.SELECT_FOLDER,
            accept_label=_("Search Here"),
        )
        pictures = GLib.get_user_special_dir(GLib.UserDirectory.DIRECTORY_PICTURES)
        start = os.fsdecode(self.folder or b"") or pictures or GLib.get_home_dir()
        chooser.set_current_folder(Gio.File.new_for_path(start))
        chooser.connect("response", self._chosen)
        chooser.show()
        self._chooser = chooser

    def _chosen(self, chooser: Gtk.FileChooserNative, response: int) -> None:
        path = chooser.get_file().get_path() if response == Gtk.ResponseType.ACCEPT else None
        if path:
            self.set_folder(os.fsencode(path), told=True)

    def _show(self) -> None:
        value = place(self.folders)
        shown = [GLib.filename_display_name(os.fsdecode(folder)) for folder in self.folders]
        self.button.set_tooltip_text("\n".join(shown) or _("Where to search"))
        self._label.set_text(value)
        name = _("Where to search: {place}").format(place=value)
        self.button.update_property([Gtk.AccessibleProperty.LABEL], [name])


def place(folders: tuple[bytes, ...]) -> str:
    """Where a search below these folders looks, in a few words."""
    if not folders:
        return _("Everywhere")
    first: str = GLib.filename_display_basename(os.fsdecode(folders[0]))
    if not (more := len(folders) - 1):
        return first
    text = ngettext("{folder} and {n} more", "{folder} and {n} more", more)
    return text.format(folder=first, n=number(more))
