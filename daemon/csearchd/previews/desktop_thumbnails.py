"""The thumbnails in the desktop's cache, which all its programs share.

Source: https://specifications.freedesktop.org/thumbnail-spec/latest/. This module uses no Pillow,
so that the daemon can find and delete thumbnails; csearchd.previews.thumbnails makes them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import quote

from csearchd.system.files import seconds_of

# What GLib leaves unescaped in a URI, of whose hash a thumbnail's name is made
_SAFE = "!$&'()*+,-./:=@_~"
_HEAD = 4096  # bytes of a PNG, in which its texts are
PIXELS = {"normal": 128, "large": 256, "x-large": 512, "xx-large": 1024}  # of the longer side
_SIZES = ("large", "normal", "x-large", "xx-large")  # in the order in which they are looked for


def uri(path: bytes) -> str:
    """The URI of a file, in the form that thumbnails are named after."""
    return "file://" + quote(path, safe=_SAFE)


def thumbnail_file(path: bytes, size: str) -> str:
    """The file in which a picture's thumbnail of a size, a key of PIXELS, is kept."""
    return os.path.join(_directory(size), _file_name(path))


def _directory(size: str) -> str:
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = base if os.path.isabs(base) else os.path.expanduser("~/.cache")
    return os.path.join(cache, "thumbnails", size)


def _file_name(path: bytes) -> str:
    return f"{hashlib.md5(uri(path).encode(), usedforsecurity=False).hexdigest()}.png"


def modified_text(mtime_ns: int) -> str:
    """The text Thumb::MTime of thumbnails of a file that was last changed then: whole seconds."""
    return str(seconds_of(mtime_ns))


def thumbnail(path: bytes, changed: int, min_size: str = "") -> str | None:
    """The file of a thumbnail of a picture last changed at `changed` (ns); None without one.

    It is of the size `min_size`, a key of PIXELS, or larger; without one, of any size.
    """
    wanted = b"tEXtThumb::MTime\0" + modified_text(changed).encode()
    min_pixels = PIXELS.get(min_size, 0)
    for size in _SIZES:
        if PIXELS[size] < min_pixels:
            continue
        file = thumbnail_file(path, size)
        try:
            with open(file, "rb", opener=_open_at_once) as opened:
                head = opened.read(_HEAD)
        except OSError:
            continue
        if _modified(head) == wanted:
            return file
    return None


def _open_at_once(file: str, flags: int) -> int:
    """Opens a file without waiting, in case it is a pipe."""
    return os.open(file, flags | os.O_NONBLOCK)


def _modified(head: bytes) -> bytes:
    """The chunk Thumb::MTime of a PNG, without its length and checksum; b"" without one."""
    found = head.find(b"tEXtThumb::MTime\0")
    length = int.from_bytes(head[found - 4 : found], "big")
    return head[found : found + 4 + length] if found >= 4 else b""


class CachedThumbnails:
    """The names of all thumbnails that there were at one time, so that those of many pictures can
    be deleted without looking for each."""

    def __init__(self) -> None:
        self._there = {size: names for size in _SIZES if (names := set(_names(_directory(size))))}

    def drop(self, paths: Iterable[bytes]) -> None:
        """Deletes the thumbnails of pictures, of all sizes."""
        for path in paths if self._there else ():
            name = _file_name(path)
            for size, names in self._there.items():
                if name in names:
                    with suppress(OSError):  # it has gone meanwhile
                        os.unlink(os.path.join(_directory(size), name))


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []  # there is none of that size
