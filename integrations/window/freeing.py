"""Frees a window once it is closed.

What GTK alone holds refers back to the window, unseen by Python's collector: what is connected to
controllers, actions and widgets without a wrapper, and what containers contain. Without this a
closed window stayed for ever.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 1  # in which calls that were under way have ended
_WITH_CHILDREN = Gtk.Box | Gtk.Grid | Gtk.Stack | Gtk.Overlay
_WITH_A_CHILD = Gtk.Popover | Gtk.Revealer | Gtk.ScrolledWindow | Gtk.Viewport


def free(window: Gtk.ApplicationWindow) -> None:
    """Call it first when the window is being closed."""
    window.set_focus(None)  # GTK would hold what has the keyboard once it is taken out
    parts = [window, *_parts(window.get_titlebar()), *_parts(window.get_child())]

    def closed() -> bool:
        for name in window.list_actions():
            window.remove_action(name)
        window.set_titlebar(None)
        window.set_child(None)
        for part in parts:
            for controller in part.observe_controllers():
                controller.run_dispose()
            if isinstance(part, Gtk.MenuButton):
                part.set_popover(None)
            elif isinstance(part, Gtk.Popover):  # its parent disposes of it
                part.set_child(None)
            elif isinstance(part, _WITH_CHILDREN | _WITH_A_CHILD | Gtk.HeaderBar):
                part.run_dispose()
        GLib.timeout_add_seconds(_SECONDS, collect)
        return bool(GLib.SOURCE_REMOVE)

    def collect() -> bool:
        gc.collect()
        return bool(GLib.SOURCE_REMOVE)

    GLib.idle_add(closed)


def _parts(widget: Gtk.Widget | None) -> Iterator[Gtk.Widget]:
    """A widget and all in it, but not what GTK's own are made of."""
    if widget is None:
        return
    yield widget
    if isinstance(widget, Gtk.HeaderBar):
        yield from _parts(widget.get_title_widget())
    elif isinstance(widget, _WITH_A_CHILD):
        yield from _parts(widget.get_child())
    child = widget.get_first_child()
    while child:
        if isinstance(widget, _WITH_CHILDREN) or _is_popover(widget, child):
            yield from _parts(child)
        child = child.get_next_sibling()


def _is_popover(parent: Gtk.Widget, widget: Gtk.Widget | None) -> bool:
    """Whether it is one whose content isn't GTK's own."""
    own = isinstance(widget, Gtk.PopoverMenu) or isinstance(parent, Gtk.DropDown)
    return isinstance(widget, Gtk.Popover) and not own
