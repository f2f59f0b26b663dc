"""Looks up the file system of a path in the kernel's table of mounts (proc_pid_mountinfo(5))."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import NamedTuple

from csearchd.system import mount_types

MOUNTS = "/proc/self/mountinfo"


class Mount(NamedTuple):
    """A line of the table of mounts."""

    point: bytes
    kind: str  # the type of the file system
    device: bytes  # major:minor
    root: bytes  # the directory of the file system that is mounted at the point
    source: bytes  # a device, or what the type of file system has instead
    number: bytes
    parent: bytes  # the number of the mount that contains the point

    @property
    def needs_polling(self) -> bool:
        """Whether inotify may not report all changes there."""
        return mount_types.is_polled(self.kind)

    @property
    def has_stable_inodes(self) -> bool:
        """Whether inode numbers stay the same, even after the next mount."""
        return mount_types.has_stable_inodes(self.kind)


def mounts(table: str = MOUNTS) -> list[Mount]:
    """The mounts, in the kernel's order; none if `table` can't be read."""
    try:
        with open(table, "rb") as file:
            lines = file.readlines()
    except OSError:
        return []
    found = []
    for line in lines:
        before, _, after = line.partition(b" - ")
        fields, (kind, source, *_) = before.split(b" "), after.split(b" ")
        point, root = _unescape(fields[4]), _unescape(fields[3])
        shown = kind.decode(errors="replace")
        number, parent, device = fields[:3]
        if parent == number:
            parent = b""  # the first mount
        found.append(Mount(point, shown, device, root, _unescape(source), number, parent))
    return found


def _unescape(field: bytes) -> bytes:
    return re.sub(rb"\\(\d{3})", lambda octal: bytes([int(octal[1], 8)]), field)


class MountTable:
    """The mounts at one moment. The cost of a look-up depends on the length of the path, not on the
    number of mounts."""

    def __init__(self, table: list[Mount]) -> None:
        self.mounts = table
        self._order = {mount.number: index for index, mount in enumerate(table)}
        self._first: dict[bytes, Mount] = {}  # by point: mounts without a parent
        self._on: dict[tuple[bytes, bytes], Mount] = {}  # by the parent's number and the point
        self._uppermost: dict[bytes, Mount] = {}  # by the number of a mount that they hide
        for mount in table:
            if mount.parent in self._order:
                self._on.setdefault((mount.parent, mount.point), mount)
            else:
                self._first.setdefault(mount.point, mount)

    def mount_of(self, path: bytes) -> Mount | None:
        """The mount that contains `path`, an absolute path without links, as the kernel resolves
        it."""
        prefixes = [b"/"]
        slash = path.find(b"/", 1)
        while slash > 0:
            prefixes.append(path[:slash])
            slash = path.find(b"/", slash + 1)
        prefixes.append(path)
        first = [self._first[point] for point in prefixes if point in self._first]
        here = min(first, key=self.order, default=None)
        if here is None:
            return None
        # A mount on a directory hides the mounts that were below it.
        here = self._top(here)
        for point in prefixes:
            if len(point) > len(here.point) and (mount := self._on.get((here.number, point))):
                here = self._top(mount)
        return here

    def _top(self, mount: Mount) -> Mount:
        """The topmost of the mounts that are mounted over `mount`; `mount` itself if there are
        none."""
        below = []
        while (known := self._uppermost.get(mount.number)) is None:
            below.append(mount.number)
            over = self._on.get((mount.number, mount.point))
            if over is None:
                known = mount
                break
            mount = over
        self._uppermost.update(dict.fromkeys(below, known))
        return known

    def order(self, mount: Mount) -> int:
        """The position of a mount in the table; later mounts have a larger one."""
        return self._order[mount.number]

    def entered_from(self, mount: Mount) -> Mount:
        """The mount that shows the same server's files, from which `mount` was entered; else
        `mount` itself.

        An NFS client mounts each file system of a server by itself, once a program enters it.
        """
        while (order := self._order.get(mount.parent)) is not None:
            above = self.mounts[order]
            below = mount.point[len(above.point.rstrip(b"/")) :]
            if above.kind != mount.kind or above.source.rstrip(b"/") + below != mount.source:
                break
            mount = above
        return mount

    def is_remote(self, mount: Mount) -> bool:
        """Whether a mount is a network or cloud file system (csearchd.system.mount_types), or shows
        a directory on one."""
        if not mount_types.is_stacked(mount.kind):
            return mount_types.is_remote(mount.kind)
        # Without options, and names of programs: "/a=RW:/b=RO" of unions, "cryfs@/a".
        source = mount.source.removeprefix(mount.kind.removeprefix("fuse.").encode() + b"@")
        shown = [part.partition(b"=")[0] for part in source.split(b":")]
        if any(self._is_on_remote(directory, mount) for directory in shown if directory):
            return True
        return mount.kind == "fuse.mergerfs" and any(map(self._may_be_remote, shown))

    def _is_on_remote(self, directory: bytes, mount: Mount) -> bool:
        """Whether a directory that `mount` shows is on a network or cloud file system."""
        below = self.mount_of(directory) if directory.startswith(b"/") else None
        # It was mounted before, unless it has been hidden since.
        earlier = below is not None and self.order(below) < self.order(mount)
        return below is not None and earlier and self.is_remote(below)

    def _may_be_remote(self, path: bytes) -> bool:
        """The same for one of which mergerfs tells the end of the path: it leaves out the letters
        with which the paths of all its directories begin."""
        first = path.split(b"/")[0]
        names = [
            os.path.basename(mount.point)
            for mount in self.mounts
            if mount_types.is_remote(mount.kind) and mount.point != b"/"
        ]
        return any(name.endswith(first) or b"/" + name + b"/" in path + b"/" for name in names)

    @cached_property
    def visible(self) -> list[Mount]:
        """The mounts that no other mount hides."""
        return [mount for mount in self.mounts if self.mount_of(mount.point) is mount]


def network_filesystem(path: str, table: str = MOUNTS) -> str | None:
    """The type of the network file system that contains `path`; None if that is a local one.

    If `path` doesn't exist, its nearest existing parent decides.
    """
    path = os.path.realpath(path)
    while not os.path.exists(path):
        path = os.path.dirname(path)
    mount = MountTable(mounts(table)).mount_of(os.fsencode(path))
    return mount.kind if mount and not mount_types.holds_databases(mount.kind) else None
