"""Which directory it is, whatever its name: two that ever were on a file system differ in this."""

from __future__ import annotations

import ctypes
import os
import stat
import struct

from csearchd.system.files import signed

_AT_FDCWD, _AT_SYMLINK_NOFOLLOW = -100, 0x100
_WANTED = 0x1 | 0x100 | 0x800  # STATX_TYPE, STATX_INO, STATX_BTIME
_FIELDS = struct.Struct("=I24xHxxQ40xqI")  # mask, mode, inode, born: seconds, nanoseconds
_SIZE = 256


def inode_identity(path: bytes) -> tuple[int, int] | None:
    """A directory's inode number and when it was made, in nanoseconds, by statx(2).

    None where there is no directory, or its file system doesn't say.
    """
    buffer = ctypes.create_string_buffer(_SIZE)
    try:
        statx = ctypes.CDLL(None).statx
    except AttributeError:  # a C library of before 2018
        return None
    if statx(_AT_FDCWD, ctypes.c_char_p(os.fsencode(path)), _AT_SYMLINK_NOFOLLOW, _WANTED, buffer):
        return None
    mask, mode, inode, seconds, nanoseconds = _FIELDS.unpack_from(buffer)
    if mask & _WANTED != _WANTED or seconds <= 0 or not stat.S_ISDIR(mode):
        return None
    return signed(inode), seconds * 10**9 + nanoseconds
