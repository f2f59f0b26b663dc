"""One dialog of a kind: asked for again, the one that is there comes to the front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk

if TYPE_CHECKING:
    from collections.abc import Callable


def present(kind: type[Gtk.Window], make: Callable[[], Gtk.Window]) -> None:
    """Shows a dialog of that kind, which `make()` makes where there is none."""
    if not _to_the_front(kind):
        make().present()


def is_open(chooser: Gtk.FileChooserNative | None) -> bool:
    """Whether a chooser is open; then it comes to the front, unless it is another program's."""
    if chooser is None or not chooser.get_visible():
        return False
    _to_the_front(Gtk.FileChooserDialog)
    return True


def _to_the_front(kind: type[Gtk.Window]) -> bool:
    for window in Gtk.Window.list_toplevels():
        if isinstance(window, kind) and window.get_visible():
            window.present()
            return True
    return False
