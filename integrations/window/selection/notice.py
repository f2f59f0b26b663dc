"""What was done, for a while, with a button that takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk

from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 12


class Notice(Gtk.Revealer):
    """Lies over the window, below in the middle. `closed()` is called once it has gone."""

    __gtype_name__ = "CsearchNotice"

    def __init__(self, closed: Callable[[], object]) -> None:
        super().__init__(
            halign=Gtk.Align.CENTER,
            valign=Gtk.Align.END,
            transition_type=Gtk.RevealerTransitionType.CROSSFADE,
            visible=False,
        )
        self._closed = closed
        self._timer = 0
        self._label = Gtk.Label(
            wrap=True,
            xalign=0,
            max_width_chars=60,
            natural_wrap_mode=Gtk.NaturalWrapMode.NONE,
            accessible_role=Gtk.AccessibleRole.ALERT,
        )
        self._undo = Gtk.Button(label=_("Undo"), action_name="win.undo")
        close = Gtk.Button(icon_name="window-close-symbolic", has_frame=False)
        close.set_tooltip_text(_("Close"))
        close.update_property([Gtk.AccessibleProperty.LABEL], [_("Close")])
        close.connect("clicked", lambda _button: self.close())
        box = Gtk.Box(spacing=12)
        for style in ("osd", "notice"):
            box.add_css_class(style)
        for part in (self._label, self._undo, close):
            part.set_valign(Gtk.Align.CENTER)
            box.append(part)
        self.set_child(box)

    def tell(self, text: str, undo: bool = False) -> None:
        """In place of what it told before; what that could take back may still be taken back."""
        self._rest()
        self._label.set_text(text)
        self._undo.set_visible(undo)
        self.set_visible(True)
        self.set_reveal_child(True)
        self._timer = GLib.timeout_add_seconds(_SECONDS, self._late)

    def close(self) -> None:
        self._rest()
        if self.get_visible():
            self.set_reveal_child(False)
            self.set_visible(False)
            self._closed()

    def _rest(self) -> None:
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0

    def _late(self) -> bool:
        self._timer = 0
        self.close()
        return bool(GLib.SOURCE_REMOVE)
