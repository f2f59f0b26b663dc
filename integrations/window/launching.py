"""Opens files and folders in the programs that the user has for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gi.repository import Gio, GLib

from pages import messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from gi.repository import GObject, Gtk

    from grid.presence import Presence

    class Say(Protocol):
        def __call__(self, text: str, failed: bool) -> object: ...


def launcher(widget: Gtk.Widget, presence: Presence, say: Say) -> Callable[[Gio.File], None]:
    """Returns what opens a file or a folder; `say(text, failed)` gets what is wrong with it."""

    def launch(file: Gio.File) -> None:
        path = os.fsencode(file.get_path())

        def looked(there: bool) -> None:
            if there:
                context = widget.get_display().get_app_launch_context()
                Gio.AppInfo.launch_default_for_uri_async(file.get_uri(), context, None, opened)
            else:
                say(messages.gone(path), failed=True)

        presence.check(path, looked, lambda: say(messages.HANGING, failed=True))

    def opened(_source: GObject.Object | None, result: Gio.AsyncResult) -> None:
        try:
            Gio.AppInfo.launch_default_for_uri_finish(result)
        except GLib.Error as error:
            say(error.message, failed=True)

    return launch
