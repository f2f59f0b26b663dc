"""What comes into the window from elsewhere: dropped on it, pasted into it, or named."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gi.repository import Gdk, GLib, GObject, Gtk

from pages.messages import HANGING
from query.fetching import fetch
from query.pictures import Picture, is_on_the_web, local
from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol, TypeVar

    from gi.repository import Gio

    from background import Workers

    Result = TypeVar("Result")

    class Say(Protocol):
        def __call__(self, text: str, failed: bool) -> object: ...


# Files before the pixels of one, and both before words.
_TYPES = (Gdk.FileList, Gdk.Texture, GObject.TYPE_STRING)


class Incoming:
    """`take(pictures, folder)` gets pictures, and a folder or None; `write(text)` what is none;
    `say(text, failed)` what happens, for the user. `workers` look at files."""

    def __init__(
        self,
        workers: Workers,
        take: Callable[[list[Picture], bytes | None], object],
        write: Callable[[str], object],
        say: Say,
    ) -> None:
        self._workers = workers
        self._take = take
        self._write = write
        self._say = say

    def accept_drops(self, widget: Gtk.Widget) -> None:
        drop = Gtk.DropTarget.new(Gdk.FileList, Gdk.DragAction.COPY)
        drop.set_gtypes(list(_TYPES))
        drop.set_propagation_phase(Gtk.PropagationPhase.CAPTURE)  # before a field takes it
        drop.connect("drop", lambda _target, value, _x, _y: self._arrived(value))
        widget.add_controller(drop)

    def paste(self, clipboard: Gdk.Clipboard) -> bool:
        """Whether it is for us: words are the field's own matter."""
        formats = clipboard.get_formats()
        if formats.contain_gtype(Gdk.FileList) or formats.contain_mime_type("text/uri-list"):
            kind = Gdk.FileList
        elif formats.contain_gtype(Gdk.Texture) and not formats.contain_gtype(GObject.TYPE_STRING):
            kind = Gdk.Texture
        else:
            return False
        clipboard.read_value_async(kind, GLib.PRIORITY_DEFAULT, None, self._pasted)
        return True

    def fetch(self, url: str, take: Callable[[Picture], object] | None = None) -> None:
        """A picture of the web; `take(picture)` gets it instead."""
        self._say(_("Fetching {url}…").format(url=url), failed=False)
        name = os.fsencode(url.partition("?")[0].partition("#")[0])

        def done(data: bytearray | None, failure: str) -> None:
            if failure:
                self._say(failure, failed=True)
            elif take:
                take(Picture(name, data))
            else:
                self._take([Picture(name, data)], None)

        fetch(url, done)

    def name(self, names: Iterable[bytes]) -> None:
        """Takes what is named: a path (bytes) or URL each."""
        given = [os.fsdecode(name) for name in names]
        urls = [name for name in given if is_on_the_web(name)]
        for url in urls:
            self.fetch(url)
        paths = [path for name in given if (path := local(name))]

        def take(folders: list[bytes]) -> None:
            chosen = [Picture(path) for path in paths if path not in folders]
            self._take(chosen, folders[0] if folders else None)

        if paths:
            self._look(lambda: [path for path in paths if os.path.isdir(path)], take)
        elif not urls:
            self._say(
                _("That is neither a picture on this computer nor one on the web."), failed=True
            )

    def _look(self, at_files: Callable[[], Result], done: Callable[[Result], object]) -> None:
        self._workers.run(at_files, done, lambda: self._say(HANGING, failed=True))

    def _pasted(self, clipboard: Gdk.Clipboard, result: Gio.AsyncResult) -> None:
        try:
            self._arrived(clipboard.read_value_finish(result))
        except GLib.Error as error:
            self._say(error.message, failed=True)

    def _arrived(self, value: Gdk.FileList | Gdk.Texture | str) -> bool:
        if isinstance(value, Gdk.FileList):
            files = value.get_files()
            self.name([os.fsencode(file.get_path() or file.get_uri()) for file in files])
        elif isinstance(value, Gdk.Texture):
            self._workers.run(lambda: _as_file(value), lambda picture: self._take([picture], None))
        else:
            lines = [line.strip() for line in value.splitlines() if line.strip()]

            def take(are_pictures: bool) -> None:
                if are_pictures:
                    self.name([os.fsencode(line) for line in lines])
                else:
                    self._write(" ".join(lines))

            self._look(lambda: bool(lines) and all(map(_is_there, lines)), take)
        return True


def _as_file(texture: Gdk.Texture) -> Picture:
    """Takes a while for a large one; a PNG takes twenty times as long."""
    return Picture(_("Picture").encode(), texture.save_to_tiff_bytes().get_data())


def _is_there(name: str) -> bool:
    path = local(name)
    return is_on_the_web(name) or (path is not None and os.path.exists(path))
