"""Thumbnails from the desktop's cache, made where they are missing, in threads.

https://specifications.freedesktop.org/thumbnail-spec/latest/
"""

import hashlib
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor

import gi

gi.require_version("GdkPixbuf", "2.0")
from gi.repository import Gdk, GdkPixbuf, Gio, GLib  # noqa: E402

_SIZES = {"large": 256, "x-large": 512}
_THREADS = 2
_MOST_BYTES = 500_000_000  # of a picture that is decoded for its thumbnail


class Thumbnails:
    def __init__(self):
        self._threads = ThreadPoolExecutor(_THREADS, "thumbnail")
        self._failed = set()

    def want(self, path, scale, wanted, ready):
        """Calls `ready(texture)` later in the main loop, a square one; None if there is none.

        `wanted()` tells whether it still matters when its turn comes.
        """

        def work():
            if not wanted():
                return
            pixbuf = None if path in self._failed else _thumbnail(path, scale)
            if pixbuf is None:
                self._failed.add(path)
            texture = Gdk.Texture.new_for_pixbuf(_square(pixbuf)) if pixbuf else None
            GLib.idle_add(ready, texture)

        self._threads.submit(work)

    def stop(self):
        self._threads.shutdown(wait=False, cancel_futures=True)


def _thumbnail(path, scale):
    """A pixbuf of the picture at `path`; None where it can't be shown."""
    size = "x-large" if scale > 1 else "large"
    file = Gio.File.new_for_path(os.fsdecode(path))
    uri = file.get_uri()
    name = hashlib.md5(uri.encode(), usedforsecurity=False).hexdigest() + ".png"
    cached = os.path.join(GLib.get_user_cache_dir(), "thumbnails", size, name)
    try:
        there = os.stat(path)
        changed = str(int(there.st_mtime))
        pixbuf = _cached(cached, changed)
        if pixbuf or there.st_size > _MOST_BYTES:
            return pixbuf
        pixbuf = GdkPixbuf.Pixbuf.new_from_file_at_scale(
            os.fsdecode(path), _SIZES[size], _SIZES[size], True
        )
        pixbuf = pixbuf.apply_embedded_orientation()
    except (OSError, GLib.Error):
        return None
    _keep(pixbuf, cached, uri, changed)
    return pixbuf


def _cached(file, changed):
    if not os.path.exists(file):
        return None
    try:
        pixbuf = GdkPixbuf.Pixbuf.new_from_file(file)
    except GLib.Error:  # damaged: it is made anew
        return None
    return pixbuf if pixbuf.get_option("tEXt::Thumb::MTime") == changed else None


def _keep(pixbuf, file, uri, changed):
    """Puts it into the cache, as a whole or not at all."""
    directory = os.path.dirname(file)
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        number, temporary = tempfile.mkstemp(dir=directory, suffix=".png")  # 0600
        os.close(number)
        try:
            keys = ["tEXt::Thumb::URI", "tEXt::Thumb::MTime", "tEXt::Software"]
            pixbuf.savev(temporary, "png", keys, [uri, changed, "csearch"])
            os.replace(temporary, file)
        except GLib.Error:
            os.unlink(temporary)
    except OSError:
        pass  # a full disk: it is shown all the same


def _square(pixbuf):
    """The middle of it."""
    width, height = pixbuf.get_width(), pixbuf.get_height()
    side = min(width, height)
    return pixbuf.new_subpixbuf((width - side) // 2, (height - side) // 2, side, side)
