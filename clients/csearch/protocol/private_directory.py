"""Directories of csearch's own, which are their owner's alone whatever the umask is."""

from __future__ import annotations

import os

from csearch.protocol.quoting import printable
from csearch.protocol.wire import AddressError

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from typing import AnyStr


def make_directories(path: AnyStr) -> None:
    """Makes a directory, and those above it that are missing, with mode 0700. One that is there
    stays as it is. Raises OSError."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent != path:
        make_directories(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def make_private(directory: bytes) -> None:
    """Makes a directory as above, and sees to it that one that is there is the user's alone.

    What is there is checked after it has been made or found: in /tmp another user may be faster.
    Raises AddressError for a link and for what is another user's; OSError.
    """
    make_directories(directory)
    try:
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except NotADirectoryError:
        raise AddressError(
            f"{printable(directory)} is a link, not a directory of yours; remove it"
        ) from None
    try:
        info = os.fstat(opened)
        if info.st_uid != os.getuid():
            raise AddressError(
                f"{printable(directory)} belongs to another user; use one of your own"
            )
        if info.st_mode & 0o077:
            os.fchmod(opened, 0o700)
    finally:
        os.close(opened)
