"""Directories that are reached without following a symbolic link, from a watched one down."""

from __future__ import annotations

import os
import stat

from csearchd.tags.record import LeftAlone

_FLAGS = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


def open_directory(path: bytes, top: bytes = b"/") -> int:
    """A descriptor of the directory at `path`, which is `top` or below it.

    Only `top` may be a symbolic link, or be reached through one. Raises LeftAlone where another
    is in the way, OSError where there is no such directory.
    """
    names = [name for name in path[len(top.rstrip(b"/")) :].split(b"/") if name]
    current = os.open(top, _FLAGS)
    try:
        for name in names:
            below = _enter(current, name)
            os.close(current)
            current = below
        return os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=current)
    finally:
        os.close(current)


def _enter(directory: int, name: bytes) -> int:
    try:
        return os.open(name, _FLAGS | os.O_NOFOLLOW, dir_fd=directory)
    except NotADirectoryError:
        if not stat.S_ISLNK(os.lstat(name, dir_fd=directory).st_mode):
            raise
    shown = os.fsdecode(name)
    raise LeftAlone(f"it changed: the directory {shown} is a symbolic link now", passing=True)
