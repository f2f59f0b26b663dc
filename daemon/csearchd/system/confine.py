"""Restricts the directories that the service may write to, by landlock(7).

This includes disks that are mounted later, and /dev, which the unit's read-only file systems don't
cover, and all processes that the service starts. It protects contents and names of files, but not
modes and times.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH = 1
_NO_NEW_PRIVS = 38  # PR_SET_NO_NEW_PRIVS
_WRITE_FILE = 1 << 1
_CHANGES = sum(1 << bit for bit in (1, *range(4, 13)))  # write, remove, make
_REFER, _TRUNCATE = 1 << 13, 1 << 14  # since the second and the third version


def confine(directories: Iterable[str]) -> bool:
    """Allows writing only to `directories` and devices. Returns False if the kernel doesn't support
    it.

    Must be called before other threads are started, since it applies to this thread and later ones.
    Raises OSError if one of `directories` doesn't exist.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if version < 1:
        return False
    changes = _CHANGES | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    handled = struct.pack("Q", changes)
    ruleset = libc.syscall(_CREATE_RULESET, handled, len(handled), 0)
    if ruleset < 0:
        return False
    try:
        for directory in directories:
            _allow(libc, ruleset, directory, changes)
        for device in _devices():
            _allow(libc, ruleset, device, _WRITE_FILE)
        _allow(libc, ruleset, "/proc", _WRITE_FILE)
        libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", access, file)
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(file)


def _devices() -> list[str]:
    """The character devices in /dev, such as /dev/null, and the directories of GPUs' devices."""
    found = [name for name in ("/dev/dri", "/dev/nvidia-caps") if os.path.isdir(name)]
    with os.scandir("/dev") as entries:
        for entry in entries:
            try:
                if stat.S_ISCHR(entry.stat().st_mode):
                    found.append(entry.path)
            except OSError:
                pass
    return found
