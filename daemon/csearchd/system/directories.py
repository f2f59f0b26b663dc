"""Opens directories without following symbolic links below a given one."""

from __future__ import annotations

import errno
import os
import stat

from csearchd.errors import LinkError

_PATH_MAX = 4096  # bytes of a path, the NUL at its end included (path_resolution(7))
DIRECTORY = os.O_DIRECTORY | os.O_CLOEXEC


def open_directory(path: bytes, top: bytes = b"/") -> int:
    """Opens the directory at `path`, which is `top` or below it, and returns its descriptor.

    Symbolic links are followed in `top` only. Raises OSError: LinkError if a component below `top`
    is a symbolic link, NotADirectoryError if it is another file.
    """
    check_length(path)
    names = [name for name in path[len(top.rstrip(b"/")) :].split(b"/") if name]
    current = os.open(top, os.O_PATH | DIRECTORY)
    try:
        for name in names:
            below = _enter(current, name)
            os.close(current)
            current = below
        return os.open(b".", os.O_RDONLY | DIRECTORY, dir_fd=current)
    finally:
        os.close(current)


def _enter(directory: int, name: bytes) -> int:
    try:
        return os.open(name, os.O_PATH | os.O_NOFOLLOW | DIRECTORY, dir_fd=directory)
    except NotADirectoryError as error:
        if not stat.S_ISLNK(os.lstat(name, dir_fd=directory).st_mode):
            raise
        raise LinkError(error.errno, error.strerror, name) from None


def check_length(path: bytes) -> None:
    """Raises OSError for a path that no program could open as a whole."""
    if len(path) >= _PATH_MAX:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)
