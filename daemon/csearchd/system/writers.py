"""Tells whether a file is open for writing, or may still grow."""

from __future__ import annotations

import fcntl
import os
import signal
import time

REST_SECONDS = 3.0  # without a change, for a file that nobody has open for writing
_STALLED_SECONDS = 60.0  # for any


def may_be_growing(path: bytes, ctime_ns: int) -> bool:
    """Whether the file at `path`, which isn't whole, may be one that is still being written.

    `ctime_ns` says when it last changed. One that has rested for long is taken as it is even if a
    writer holds it open, or nobody can tell.
    """
    age = time.time() - ctime_ns / 1e9
    if age < 0:  # another machine's clock
        return False
    return age < REST_SECONDS or (age < _STALLED_SECONDS and may_have_writer(path))


def may_have_writer(path: bytes) -> bool:
    """Whether a process may have opened the file at `path` for writing."""
    return has_writer(path) is not False


def has_writer(path: bytes) -> bool | None:
    """Whether a process has opened the file at `path` for writing; None if nobody can tell, since
    it isn't ours, or on a file system without leases.

    The kernel grants a read lease (fcntl(2)) only if none has; it is released at once. A process
    that opens the file for writing meanwhile waits for these microseconds. The kernel then sends us
    SIGURG, which is ignored, instead of the default SIGIO, which would end the process.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(fd)
    return False
