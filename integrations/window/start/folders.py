"""Folders in which pictures may be, and how many are there. Looks at disks, so not in the main
loop."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SECONDS = 4.0  # for counting one folder
_SUFFIXES = tuple(
    f".{suffix}".encode()
    for suffix in (
        *("jpg", "jpeg", "png", "heic", "heif", "avif", "webp", "gif", "tif", "tiff", "jxl", "bmp"),
        *("dng", "nef", "cr2", "cr3", "arw", "raf", "orf", "rw2", "pef"),
    )
)
# What programs that fetch pictures from phones call their folders, in lower case.
_PHONES = frozenset(
    (b"phone", b"camera", b"camera uploads", b"dcim", b"instantupload", b"photos", b"fotos")
)
_MEDIA = (b"/media", b"/run/media")


class Count(NamedTuple):
    pictures: int
    complete: bool  # else there are more


def candidates(
    home: bytes, usual: Iterable[bytes], user: bytes, media: Iterable[bytes] = _MEDIA
) -> list[bytes]:
    """Folders that exist: the `usual` ones of the desktop, what phones upload to, other disks.

    No folder is inside another one.
    """
    found = [os.path.normpath(path) for path in usual if os.path.normpath(path) != home]
    found += [path for path in _folders(home) if os.path.basename(path).lower() in _PHONES]
    for where in media:
        for disk in [*_folders(os.path.join(where, user)), *_folders(where)]:
            if disk != os.path.join(where, user):
                camera = os.path.join(disk, b"DCIM")
                found.append(camera if os.path.isdir(camera) else disk)
    there = [path for path in dict.fromkeys(found) if os.path.isdir(path)]
    return [path for path in there if not any(is_below(path, other) for other in there)]


def is_below(path: bytes, other: bytes) -> bool:
    """Whether `path` is inside the folder `other`."""
    return path.startswith(other.rstrip(b"/") + b"/")


def count(folder: bytes, seconds: float = SECONDS) -> Count:
    """The pictures below a folder, as far as they can be counted in that time."""
    deadline = time.monotonic() + seconds
    pictures = 0
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith(b"."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.name.lower().endswith(_SUFFIXES):
                        pictures += 1
        except OSError:  # nobody may read it, or it has gone
            continue
        if time.monotonic() > deadline:
            return Count(pictures, complete=not waiting)
    return Count(pictures, complete=True)


def _folders(path: bytes) -> Iterator[bytes]:
    """The folders in a folder, hidden ones left out."""
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for name in sorted(names):
        if not name.startswith(b"."):
            yield os.path.join(path, name)
