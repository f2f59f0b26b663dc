"""Copies pictures into a folder that the user chooses. Nothing there is replaced."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from gi.repository import Gio, GLib, Gtk

from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from background import Workers
    from grid.results import Item

_MOST_NAMES = 1000
_PATIENCE = 3.0  # seconds in which a copy that is broken off is removed


class CopyTo:
    """A dialog for the folder; then `workers` copy."""

    def __init__(
        self,
        window: Gtk.Window,
        workers: Workers,
        done: Callable[[Gio.File, int, list[str]], object],
    ) -> None:
        """`done(folder, copied, failures)` is told how many were copied, and what went wrong."""
        self._window = window
        self._workers = workers
        self._done = done
        self._dialog: Gtk.FileChooserNative | None = None  # it has to be kept while it is open

    def choose(self, items: Sequence[Item]) -> None:
        if not items:
            return
        dialog = self._dialog = Gtk.FileChooserNative(
            title=_("Copy to a Folder"),
            transient_for=self._window,
            modal=True,
            action=Gtk.FileChooserAction.SELECT_FOLDER,
            accept_label=_("Copy Here"),
        )
        dialog.connect("response", self._chosen, list(items))
        dialog.show()

    def _chosen(self, dialog: Gtk.FileChooserNative, response: int, items: list[Item]) -> None:
        folder = dialog.get_file() if response == Gtk.ResponseType.ACCEPT else None
        dialog.destroy()
        self._dialog = None
        if folder:
            self._copy(items, folder)

    def _copy(self, items: list[Item], folder: Gio.File) -> None:
        """Goes on when the window is closed, and breaks off when the program is told to end."""
        application = self._window.get_application()
        cancellable, ended = Gio.Cancellable(), threading.Event()

        def work() -> list[str]:
            try:
                return _copied(items, folder, cancellable)
            finally:
                ended.set()

        def done(failures: list[str]) -> None:
            application.disconnect(quits)
            application.release()
            if self._window.get_application():  # it is open still
                self._done(folder, len(items) - len(failures), failures)

        def quit_now(_application: Gio.Application) -> None:
            cancellable.cancel()
            ended.wait(_PATIENCE)

        quits = application.connect("shutdown", quit_now)
        application.hold()
        self._workers.run(work, done)


def _copied(items: Sequence[Item], folder: Gio.File, cancellable: Gio.Cancellable) -> list[str]:
    """What went wrong, by file."""
    failures = []
    for item in items:
        try:
            _copy(item, folder, cancellable)
        except GLib.Error as error:
            failures.append(f"{item.name}: {error.message}")
    return failures


def _copy(item: Item, folder: Gio.File, cancellable: Gio.Cancellable) -> None:
    """Under a name of its own until it is whole. Raises GLib.Error."""
    part = folder.get_child(f".{GLib.uuid_string_random()}.part")
    try:
        item.file.copy(part, Gio.FileCopyFlags.NONE, cancellable, None)
        for name in _names(item.path):
            try:
                part.move(folder.get_child(name), Gio.FileCopyFlags.NONE, None, None)
                return
            except GLib.Error as error:
                if not error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.EXISTS):
                    raise
    except GLib.Error:
        with contextlib.suppress(GLib.Error):
            part.delete(None)
        raise
    part.delete(None)
    raise GLib.Error.new_literal(Gio.io_error_quark(), _("Its name is taken."), 0)


def _names(path: bytes) -> Iterator[str]:
    """Its own, then "NAME (2).jpg" and so on."""
    name = os.fsdecode(os.path.basename(path))
    stem, suffix = os.path.splitext(name)
    yield name
    for number in range(2, _MOST_NAMES):
        yield f"{stem} ({number}){suffix}"
