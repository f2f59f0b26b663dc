"""Asks btrfs about subvolumes (linux/btrfs.h), which needs no privileges."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

TOP_INODE = 256  # of the top directory of every subvolume
_GET_INFO, _INFO_BYTES = 0x81F8943C, 504  # BTRFS_IOC_GET_SUBVOL_INFO
_INFO = struct.Struct("288x Q 16s 16s")  # flags, UUID, parent's UUID
_READ_ONLY = 1
_GET_REFERENCES = 0xD000943D  # BTRFS_IOC_GET_SUBVOL_ROOTREF
_REFERENCES = 255  # at a time
_LOOK_UP = 0xD000943E  # BTRFS_IOC_INO_LOOKUP_USER
_NAME_BYTES = 256
_BYTES = 4096  # of the arguments of the latter two
_MOST = 10_000  # subvolumes that are looked at
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Subvolume(NamedTuple):
    """What btrfs knows of a subvolume."""

    uuid: bytes
    parent: bytes | None  # the UUID of the one that it is a snapshot of
    is_read_only: bool


def subvolume_at(path: bytes) -> Subvolume | None:
    """The subvolume whose top directory is at `path`; None if there is none, or nobody tells."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        return None
    try:
        return _subvolume(descriptor) if os.fstat(descriptor).st_ino == TOP_INODE else None
    finally:
        os.close(descriptor)


def subvolumes(point: bytes) -> Iterator[Subvolume]:
    """The subvolume that is mounted at `point`, and those below it, as far as one may look."""
    try:
        descriptor = os.open(point, _FLAGS)
    except OSError:
        return
    opened = [descriptor]
    left = _MOST
    try:
        while opened and left:
            left -= 1
            current = opened.pop()
            try:
                if found := _subvolume(current):
                    yield found
                opened.extend(_below(current))
            finally:
                os.close(current)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _subvolume(descriptor: int) -> Subvolume | None:
    """The subvolume that an open directory is in."""
    try:
        raw = fcntl.ioctl(descriptor, _GET_INFO, bytes(_INFO_BYTES))
    except OSError:
        return None  # another file system, or a kernel before 4.18
    flags, uuid, parent = _INFO.unpack_from(raw)
    return Subvolume(uuid, parent if any(parent) else None, bool(flags & _READ_ONLY))


def _below(descriptor: int) -> list[int]:
    """Opens the subvolumes in that of an open directory, and returns their descriptors."""
    opened = []
    for tree, directory in _references(descriptor):
        arguments = bytearray(_BYTES)
        struct.pack_into("QQ", arguments, 0, directory, tree)
        try:
            fcntl.ioctl(descriptor, _LOOK_UP, arguments)
            name = bytes(arguments[16 : 16 + _NAME_BYTES]).partition(b"\0")[0]
            above = bytes(arguments[16 + _NAME_BYTES :]).partition(b"\0")[0]
            opened.append(os.open(os.path.join(above, name), _FLAGS, dir_fd=descriptor))
        except OSError:
            continue  # not below the directory, or not permitted
    return opened


def _references(descriptor: int) -> list[tuple[int, int]]:
    """The numbers of the subvolumes in one, each with that of the directory that it is in."""
    found: list[tuple[int, int]] = []
    arguments = bytearray(_BYTES)
    more = True
    while more and len(found) < _MOST:
        try:
            fcntl.ioctl(descriptor, _GET_REFERENCES, arguments)
            more = False
        except OSError as error:
            if error.errno != errno.EOVERFLOW:
                return found
        count = arguments[8 + 16 * _REFERENCES]
        found += struct.iter_unpack("QQ", arguments[8 : 8 + 16 * count])
        more &= count > 0
    return found
