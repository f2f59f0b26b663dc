"""Whether somebody is writing a file, where no event could tell."""

from __future__ import annotations

import fcntl
import os
import signal


def may_have_writer(path: bytes) -> bool:
    """Whether somebody may have the file at `path` open for writing.

    The kernel grants a read lease (fcntl(2)) only where nobody has; it is given back at once. One
    who opens the file for writing in these microseconds waits so long, and we are sent SIGURG,
    which has no effect, in place of SIGIO, which would end us.
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
        return True  # written; or another's file, or a file system without leases
    finally:
        os.close(fd)
    return False
