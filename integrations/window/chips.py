"""The pictures that are searched with, each with a button that takes it away."""

import os

from gi.repository import GLib, Gtk, Pango

from texts import _


class Chips(Gtk.Box):
    __gtype_name__ = "CsearchChips"

    def __init__(self, changed):
        super().__init__(spacing=6, visible=False)
        self.add_css_class("chips")
        self.paths = []
        self._changed = changed

    def add(self, paths):
        for path in paths:
            if path not in self.paths:
                self.paths.append(path)
        self._show()

    def clear(self):
        self.paths = []
        self._show()

    def remove_last(self):
        self._remove(self.paths[-1])

    def _remove(self, path):
        self.paths.remove(path)
        self._show()
        self._changed()

    def _show(self):
        while child := self.get_first_child():
            self.remove(child)
        if self.paths:
            self.append(Gtk.Label(label=_("Like")))
        for path in self.paths:
            name = GLib.filename_display_basename(os.fsdecode(path))
            chip = Gtk.Box(spacing=4)
            chip.add_css_class("chip")
            label = Gtk.Label(label=name, ellipsize=Pango.EllipsizeMode.MIDDLE, max_width_chars=24)
            button = Gtk.Button(icon_name="window-close-symbolic", has_frame=False)
            without = _("Search without {name}").format(name=name)
            button.set_tooltip_text(without)
            button.update_property([Gtk.AccessibleProperty.LABEL], [without])
            button.connect("clicked", lambda _button, path=path: self._remove(path))
            chip.append(label)
            chip.append(button)
            self.append(chip)
        self.set_visible(bool(self.paths))
