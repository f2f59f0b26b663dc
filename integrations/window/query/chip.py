"""A part of what is searched for, with a button that takes it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk, Pango

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAST, _MOST = 12, 32  # characters


def chip(text: str, remove: str, removed: Callable[[], object]) -> Gtk.Box:
    """`remove` says what the button does, which calls `removed()`."""
    made = Gtk.Box(spacing=4)
    made.add_css_class("chip")
    label = Gtk.Label(label=text, ellipsize=Pango.EllipsizeMode.MIDDLE, max_width_chars=_MOST)
    label.set_width_chars(min(len(text), _LEAST))
    button = Gtk.Button(icon_name="window-close-symbolic", has_frame=False)
    button.set_tooltip_text(remove)
    button.update_property([Gtk.AccessibleProperty.LABEL], [remove])
    button.connect("clicked", lambda _button: removed())
    made.append(label)
    made.append(button)
    return made
