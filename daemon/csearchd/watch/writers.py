"""Tells whether a file is open for writing."""

from __future__ import annotations

import fcntl
import os
import signal


def may_have_writer(path: bytes) -> bool:
    """Whether a process may have opened the file at `path` for writing.

    The kernel grants a read lease (fcntl(2)) only if none has; it is released at once. A process
    that opens the file for writing meanwhile waits for these microseconds. The kernel then sends us
    SIGURG, which is ignored, instead of the default SIGIO, which would end the process.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return True  # it is open for writing, not ours, or on a file system without leases
    finally:
        os.close(fd)
    return False
