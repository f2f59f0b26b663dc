"""A picture of a group: what it looks like, what is known of it, and whether it is wanted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gi.repository import Gdk, GLib, Gtk, Pango

from accessible_names import call
from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from duplicates.groups import File
    from grid.thumbnails import Thumbnails

_WIDTH, _HEIGHT = 200, 150  # pixels of the picture
_HIDDEN = Gtk.AccessibleRole.PRESENTATION  # the button has the name


class Card(Gtk.Box):
    __gtype_name__ = "CsearchDuplicateCard"

    def __init__(
        self,
        file: File,
        best: bool,
        marked: bool,
        look: Callable[[File], object],
        mark: Callable[[File, bool], object],
    ) -> None:
        """`look(file)` shows it large; `mark(file, marked)`: for the trash, or not."""
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=3)
        self.add_css_class("card-of-group")
        self._file = file
        self._picture = Gtk.Picture(accessible_role=_HIDDEN)
        self._picture.set_can_shrink(True)
        self._picture.set_size_request(_WIDTH, _HEIGHT)
        self.button = Gtk.Button(child=self._picture, has_frame=False)
        self.button.connect("clicked", lambda _button: look(file))
        lines = [text for text in (file.name, _measures(file), file.day, file.place) if text]
        told = [*lines, _("the best")] if best else lines
        self.button.update_property([Gtk.AccessibleProperty.LABEL], [", ".join(told)])
        self.button.set_tooltip_text(GLib.filename_display_name(os.fsdecode(file.path)))
        self.append(self.button)
        for number, text in enumerate(lines):
            label = Gtk.Label(label=text, xalign=0, max_width_chars=1, hexpand=True)
            label.set_ellipsize(Pango.EllipsizeMode.MIDDLE)
            label.add_css_class("name" if number == 0 else "second")
            self.append(label)
        below = Gtk.Box(spacing=6)
        check = Gtk.CheckButton(label=_("To the Trash"), active=marked)
        call(check, _("{name}: to the Trash").format(name=file.name))
        check.connect("toggled", lambda check: mark(file, check.get_active()))
        below.append(check)
        if best:
            badge = Gtk.Label(label=_("Best"), hexpand=True, halign=Gtk.Align.END)
            badge.add_css_class("best")
            below.append(badge)
        self.append(below)

    def paint(self, thumbnails: Thumbnails) -> None:
        """Shows the thumbnail once it is there."""

        def ready(texture: Gdk.Texture | None) -> None:
            if self.get_root() is not None:
                self._file.texture = texture
            self._picture.set_paintable(texture)

        side = max(_WIDTH, _HEIGHT) * self.get_scale_factor()
        thumbnails.want(self._file.path, side, lambda: self.get_root() is not None, ready)


def _measures(file: File) -> str:
    width, height = file.pixels
    size: str = GLib.format_size(file.size)
    return f"{width} × {height} · {size}" if width and height else size
