"""Identifies file systems by names that stay the same when they are mounted again.

Device numbers aren't used, since they change.
"""

from __future__ import annotations

import fcntl
import os
import re
import uuid
from collections.abc import Collection, Iterator
from functools import cached_property
from typing import NamedTuple

from csearchd.system.filesystem import Mount, MountTable

_TOP = "/"  # the name of the file system that is mounted at "/"
_GET_UUID = 0x80111500, 17, 1  # FS_IOC_GETFSUUID (linux/fs.h): a length, then the UUID
_GET_BTRFS = 0x8400941F, 1024, 16  # BTRFS_IOC_FS_INFO (linux/btrfs.h): two numbers, then the UUID
_UDEV = "/run/udev/data"
_BY_UUID = "/dev/disk/by-uuid"
_BLOCK = "/sys/dev/block"


class Place(NamedTuple):
    """A directory by its file system and the path inside it, wherever that is mounted."""

    volume: str | None  # the file system's name; None if it has no lasting one, such as tmpfs
    inside: bytes  # the path inside the file system


class Volumes:
    """The file systems that are mounted at one moment."""

    def __init__(self, table: list[Mount], dead: Collection[bytes] = ()) -> None:
        """`table`: as `csearchd.system.filesystem.mounts` returns it. `dead`: the numbers of mounts
        whose programs have ended, which count as not mounted."""
        self._table = MountTable(table)
        self._dead = dead
        self._names: dict[Mount, str | None] = {}
        self._found: dict[bytes, dict[str | None, list[Mount]]] = {}  # by root, then by name

    def place(self, path: bytes) -> Place:
        """The place of `path`, which need not exist."""
        mount = self._table.mount_of(path)
        if mount is None:
            return Place(None, path)
        rest = path[len(mount.point.rstrip(b"/")) :]
        return Place(self._name(mount), (_root(mount).rstrip(b"/") + rest) or b"/")

    def find(self, place: Place) -> list[bytes]:
        """The paths at which a place can be reached now, those of later mounts last."""
        if place.volume is None:
            return []
        found = []
        for root in _upwards(place.inside):
            rest = place.inside[len(root) :].strip(b"/")
            for mount in self._named(root).get(place.volume, ()):
                path = (mount.point.rstrip(b"/") + b"/" + rest).rstrip(b"/") or b"/"
                if self._table.mount_of(path) is mount:
                    found.append((self._table.order(mount), path))
        return [path for _, path in sorted(found)]

    def points(self) -> list[bytes]:
        """The sorted mount points."""
        return sorted({mount.point for mount in self._table.visible})

    def has_subvolumes(self, path: bytes) -> bool:
        """Whether the file system at `path` has subvolumes, which a rollback can replace."""
        mount = self._table.mount_of(path)
        return mount is not None and mount.kind in ("btrfs", "bcachefs")

    def _named(self, root: bytes) -> dict[str | None, list[Mount]]:
        """The visible mounts of the directory `root` inside a file system, by the file system's
        name.
        """
        if root not in self._found:
            named = self._found[root] = {}
            for mount in self._rooted.get(root, ()):
                named.setdefault(self._name(mount), []).append(mount)
        return self._found[root]

    @cached_property
    def _rooted(self) -> dict[bytes, list[Mount]]:
        rooted: dict[bytes, list[Mount]] = {}
        for mount in self._table.visible:
            rooted.setdefault(_root(mount).rstrip(b"/"), []).append(mount)
        return rooted

    def _name(self, mount: Mount) -> str | None:
        if mount not in self._names:
            top = self._table.mount_of(b"/")
            same = top is not None and mount.device == top.device
            lost = mount.number in self._dead
            self._names[mount] = _TOP if same else None if lost else _name(mount)
        return self._names[mount]


def _upwards(path: bytes) -> Iterator[bytes]:
    """`path` and all paths above it, without a "/" at the end."""
    path = path.rstrip(b"/")
    while path:
        yield path
        path = path.rpartition(b"/")[0]
    yield b""


def _root(mount: Mount) -> bytes:
    # The system is the same after a rollback to an older subvolume.
    return b"/" if mount.point == b"/" else mount.root


def _name(mount: Mount) -> str | None:
    """The lasting name of a mounted file system; None if it has none."""
    """The lasting name of a mounted file system; None if it has none."""
    source = _shown(mount.source)
    if mount.kind == "zfs":
        return f"zfs {source}"
    if mount.needs_polling:  # of a server or a program: the name should have a path in it
        kind = re.sub(r"^nfs\d$", "nfs", mount.kind)
        named = "/" in source or ":" in source
        return f"{kind} {source}" if named else f"{kind} {source} at {_shown(mount.point)}"
    if not source.startswith("/"):
        return None
    if pulled_out(mount):
        return None
    number = _device(mount)
    return (
        _uuid_by_kernel(mount)
        or (number and (_uuid_by_udev(number) or _uuid_by_link(number) or _loop(number)))
        or _fsid(mount)
    )


def _shown(path: bytes) -> str:
    return os.fsdecode(path).encode(errors="backslashreplace").decode()


def pulled_out(mount: Mount) -> bool:
    """Whether the device of a mounted file system was removed."""
    if mount.device.startswith(b"0:") or not os.path.isdir(_BLOCK):
        return False
    return not os.path.exists(f"{_BLOCK}/{mount.device.decode()}")


def _device(mount: Mount) -> str | None:
    """The block device's numbers, "major:minor", which for btrfs differ from those in the table."""
    if not mount.device.startswith(b"0:"):
        return mount.device.decode()
    try:
        number = os.stat(mount.source).st_rdev
    except OSError:
        return None
    return f"{os.major(number)}:{os.minor(number)}" if number else None


def _uuid_by_kernel(mount: Mount) -> str | None:
    if mount.kind.startswith("fuse"):
        return None  # its program may never answer
    try:
        directory = os.open(mount.point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        request, size, offset = _GET_BTRFS if mount.kind == "btrfs" else _GET_UUID
        raw = fcntl.ioctl(directory, request, bytes(size))[offset : offset + 16]
    except OSError:
        return None  # an older kernel, or a file system without a UUID
    finally:
        os.close(directory)
    return f"uuid {uuid.UUID(bytes=raw)}" if any(raw) else None


def _uuid_by_udev(number: str) -> str | None:
    try:
        with open(f"{_UDEV}/b{number}", encoding="utf-8", errors="replace") as file:
            known = dict(line[2:].rstrip().split("=", 1) for line in file if line[:2] == "E:")
    except (OSError, ValueError):
        return None
    if found := known.get("ID_FS_UUID"):
        return f"uuid {found}"
    found = known.get("ID_PART_ENTRY_UUID")
    return f"partition {found}" if found else None


def _uuid_by_link(number: str) -> str | None:
    try:
        links = list(os.scandir(_BY_UUID))
    except OSError:
        return None
    for link in links:
        try:
            device = os.stat(link.path).st_rdev
        except OSError:
            continue
        if f"{os.major(device)}:{os.minor(device)}" == number:
            return f"uuid {link.name}"
    return None


def _loop(number: str) -> str | None:
    """The name by the file that backs a loop device."""
    try:
        with open(f"{_BLOCK}/{number}/loop/backing_file", errors="backslashreplace") as file:
            return f"loop {file.read().rstrip()}"
    except OSError:
        return None


def _fsid(mount: Mount) -> str | None:
    if mount.kind not in ("ext2", "ext3", "ext4"):
        return None  # others may derive it from the device number
    try:
        return f"fsid {os.statvfs(mount.point).f_fsid:016x}"
    except OSError:
        return None
