"""The header: the field, and the buttons about the query around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk

from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gi.repository import Gdk

_NARROW = 620  # pixels below which the field needs the header for itself
_REMOVE: bool = GLib.SOURCE_REMOVE


class Header:
    """`bar` is the window's title bar; in a narrow window its buttons are in `row`, below it."""

    def __init__(
        self,
        window: Gtk.Window,
        field: Gtk.SearchEntry,
        left: Iterable[Gtk.Widget],
        right: Iterable[Gtk.Widget],
        turned: Callable[[bool], object],
    ) -> None:
        """Calls `turned(narrow)` when the window becomes narrow, or wide again."""
        self.bar = Gtk.HeaderBar(title_widget=field)
        self.row = Gtk.Box(spacing=3, visible=False)
        self.row.add_css_class("below-header")
        self._window = window
        self._turned = turned
        walking = Gtk.Box()
        walking.add_css_class("linked")
        for icon, name, action in (
            ("go-previous-symbolic", _("Back"), "win.back"),
            ("go-next-symbolic", _("Forward"), "win.forward"),
        ):
            button = Gtk.Button(icon_name=icon, action_name=action, tooltip_text=name)
            button.update_property([Gtk.AccessibleProperty.LABEL], [name])
            walking.append(button)
        self._left, self._right = [walking, *left], list(right)
        self._narrow: bool | None = None
        self._arrange(False)
        window.connect("realize", self._realized)

    def _realized(self, window: Gtk.Window) -> None:
        # The surface has shadows around the window: its size only tells that there is another one.
        surface = window.get_surface()
        layout = surface.connect("layout", self._resized)
        window.connect("unrealize", lambda _window: surface.disconnect(layout))

    def _resized(self, _surface: Gdk.Surface, _width: int, _height: int) -> None:
        GLib.idle_add(self._fit)  # widgets can't move while they are given their places

    def _fit(self) -> bool:
        if width := self._window.get_width():
            self._arrange(width < _NARROW)
        return _REMOVE

    def _arrange(self, narrow: bool) -> None:
        if narrow is self._narrow:
            return
        focus = self._window.get_focus()
        for button in self._left + self._right:
            if button.get_parent() is self.row:
                self.row.remove(button)
            elif button.get_parent():
                self.bar.remove(button)
        for button in self._left:
            (self.row.append if narrow else self.bar.pack_start)(button)
        for button in reversed(self._right) if narrow else self._right:
            button.set_hexpand(narrow and button is self._right[-1])  # all are at the end then
            button.set_halign(Gtk.Align.END if narrow else Gtk.Align.FILL)
            (self.row.append if narrow else self.bar.pack_end)(button)
        self.row.set_visible(narrow)
        self._narrow = narrow
        self._turned(narrow)
        if focus and self._window.get_focus() is None:
            focus.grab_focus()
