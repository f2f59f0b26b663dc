"""Thumbnails of pictures in the desktop's cache, which all its programs share.

https://specifications.freedesktop.org/thumbnail-spec/latest/
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from urllib.parse import quote

# GLib's choice of what is not escaped; thumbnails are named after exactly this form.
_SAFE = "!$&'()*+,-./:=@_~"
_HEAD = 4096  # bytes of a PNG, in which its texts are
_SIZES = ("large", "normal", "x-large", "xx-large")  # 256 pixels, 128, 512, 1024
_LARGE_ENOUGH = {"large": ("large", "x-large", "xx-large"), "x-large": ("x-large", "xx-large")}


def uri(path: bytes) -> str:
    """The URI of a file, in the form that thumbnails are named after."""
    return "file://" + quote(path, safe=_SAFE)


def thumbnail(path: bytes, changed: int, least: str = "") -> str | None:
    """The file of a thumbnail of a picture last changed at `changed` (ns), if there is one.

    It is of the size `least` ("large", "x-large") or larger; without, of any.
    """
    wanted = b"tEXtThumb::MTime\0%d" % (changed // 1_000_000_000)
    for file in _thumbnails(path, _LARGE_ENOUGH.get(least, _SIZES)):
        try:
            with open(file, "rb") as opened:
                head = opened.read(_HEAD)
        except OSError:
            continue
        if _modified(head) == wanted:
            return file
    return None


def _modified(head: bytes) -> bytes:
    """The chunk of a PNG that says of which version it is, without its checksum."""
    found = head.find(b"tEXtThumb::MTime\0")
    length = int.from_bytes(head[found - 4 : found], "big")
    return head[found : found + 4 + length] if found >= 4 else b""


def drop_thumbnails(path: bytes) -> None:
    """Deletes what desktops have kept of a picture's looks."""
    for file in _thumbnails(path, _SIZES):
        try:
            os.unlink(file)
        except OSError:
            pass  # there is none of that size


def _thumbnails(path: bytes, sizes: Sequence[str]) -> list[str]:
    """Where thumbnails of a picture are kept, in the order of `sizes`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = base if os.path.isabs(base) else os.path.expanduser("~/.cache")
    digest = hashlib.md5(uri(path).encode(), usedforsecurity=False).hexdigest()
    return [os.path.join(cache, "thumbnails", size, f"{digest}.png") for size in sizes]
