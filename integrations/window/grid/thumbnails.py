"""Thumbnails from the desktop's cache; the service puts those there that are missing.

https://specifications.freedesktop.org/thumbnail-spec/latest/
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import gi

from background import Workers

gi.require_version("GdkPixbuf", "2.0")
from gi.repository import Gdk, GdkPixbuf, Gio, GLib  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from bus.service import Service

    Wanted: TypeAlias = Callable[[], bool]
    Ready: TypeAlias = Callable[[Gdk.Texture | None], object]

_SIZES = {"large": 256, "x-large": 512, "xx-large": 1024}  # pixels of the longer side
_ENLARGED = 1.15  # by which one may be enlarged, so little that nobody sees it
_THREADS = 2
_AT_ONCE = 4  # that the service is asked for: they are shown together


class Thumbnails:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._workers = Workers(_THREADS)
        # By path, in the order of their coming.
        self._lacking: dict[bytes, tuple[int, Wanted, Ready]] = {}
        self._asking = False

    def want(self, path: bytes, pixels: int, wanted: Wanted, ready: Ready) -> None:
        """Calls `ready(texture)` later in the main loop, if there is one.

        `pixels`: of the longer side, about. `wanted()` tells whether it still matters when its turn
        comes.
        """
        sizes = _from(pixels)

        def looked(texture: Gdk.Texture | None) -> None:
            if texture:
                ready(texture)
            elif wanted():
                self._lacking[path] = _SIZES[sizes[0]], wanted, ready
                self._ask()

        self._workers.run(lambda: _cached(path, sizes) if wanted() else None, looked)

    def _ask(self) -> None:
        """The service makes a few at a time; what isn't shown any more by then is left out."""
        if self._asking:
            return
        self._lacking = {path: one for path, one in self._lacking.items() if one[1]()}
        if not self._lacking:
            return
        pixels = next(iter(self._lacking.values()))[0]
        paths = [path for path, one in self._lacking.items() if one[0] == pixels][:_AT_ONCE]
        self._asking = True
        asked = [self._lacking.pop(path)[2] for path in paths]

        def made(files: list[bytes]) -> None:
            self._asking = False
            for file, ready in zip(files, asked, strict=True):
                if file:
                    self._load(file, ready)
            self._ask()

        self._service.thumbnails(paths, pixels, made)

    def _load(self, file: bytes, ready: Ready) -> None:
        self._workers.run(lambda: _texture(file), ready)


def _from(pixels: int) -> list[str]:
    """The sizes that do for so many pixels, the smallest first; the largest, where none does."""
    fitting = [size for size, side in _SIZES.items() if side * _ENLARGED >= pixels]
    return fitting or list(_SIZES)[-1:]


def _cached(path: bytes, sizes: list[str]) -> Gdk.Texture | None:
    """A texture of what the desktop has of this version of the picture; None without."""
    uri = Gio.File.new_for_path(os.fsdecode(path)).get_uri()
    name = hashlib.md5(uri.encode(), usedforsecurity=False).hexdigest() + ".png"
    try:
        changed = str(int(os.stat(path).st_mtime))
    except OSError:
        return None
    for size in sizes:
        file = os.path.join(GLib.get_user_cache_dir(), "thumbnails", size, name)
        if os.path.exists(file) and (texture := _texture(os.fsencode(file), changed)):
            return texture
    return None


def _texture(file: bytes, changed: str | None = None) -> Gdk.Texture | None:
    """A thumbnail; None where it is damaged, or not of the time `changed`."""
    try:
        pixbuf = GdkPixbuf.Pixbuf.new_from_file(os.fsdecode(file))
    except GLib.Error:
        return None
    if changed and pixbuf.get_option("tEXt::Thumb::MTime") != changed:
        return None
    return Gdk.Texture.new_for_pixbuf(pixbuf)
