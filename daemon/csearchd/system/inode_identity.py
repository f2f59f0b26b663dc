"""Identifies a directory independently of its name, by its inode and the time of its creation."""

from __future__ import annotations

import ctypes
import os
import stat
import struct

from csearchd.system.files import signed

_AT_FDCWD, _AT_SYMLINK_NOFOLLOW = -100, 0x100
_WANTED = 0x1 | 0x100 | 0x800  # STATX_TYPE, STATX_INO, STATX_BTIME
_FIELDS = struct.Struct("=I24xHxxQ40xqI")  # mask, mode, inode, birth: seconds, nanoseconds
_SIZE = 256


def inode_identity(path: bytes) -> tuple[int, int] | None:
    """The inode number of the directory at `path`, and its time of creation in nanoseconds since
    1970 (statx(2)).

    No other directory of the file system ever has both. None if there is no directory, or its file
    system doesn't record the time.
    """
    buffer = ctypes.create_string_buffer(_SIZE)
    try:
        statx = ctypes.CDLL(None).statx
    except AttributeError:  # a C library from before 2018
        return None
    if statx(_AT_FDCWD, ctypes.c_char_p(os.fsencode(path)), _AT_SYMLINK_NOFOLLOW, _WANTED, buffer):
        return None
    mask, mode, inode, seconds, nanoseconds = _FIELDS.unpack_from(buffer)
    if mask & _WANTED != _WANTED or seconds <= 0 or not stat.S_ISDIR(mode):
        return None
    return signed(inode), seconds * 10**9 + nanoseconds
