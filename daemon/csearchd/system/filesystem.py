"""What file system a path is on, from the kernel's table of mounts (proc_pid_mountinfo(5))."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import NamedTuple

MOUNTS = "/proc/self/mountinfo"

# Where SQLite's write-ahead log is unsafe: its shared memory doesn't reach other machines
# (https://sqlite.org/wal.html, section 1).
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|afs|ncpfs|coda|ceph|lustre|gpfs|beegfs|ocfs2|gfs2|glusterfs|9p|davfs"
    r"|fuse\.(sshfs|rclone|glusterfs|s3fs|davfs2?|curlftpfs|ceph-fuse|smbnetfs|gvfsd-fuse|juicefs)"
)

# Where files can change without inotify's knowing: others change them. (fuseblk, which is NTFS and
# exFAT on a local disk, is not among them: nobody else can.)
_BLIND = re.compile(rf"{_NETWORK.pattern}|fuse(\..*)?|virtiofs|vboxsf|prl_fs|vmhgfs|afp")

# Where the kernel, or libfuse, numbers files as they are used.
_FLEETING = re.compile(r"vfat|msdos|exfat|fuseblk|fuse(\..*)?")


class Mount(NamedTuple):
    point: bytes
    kind: str  # of file system
    device: bytes  # major:minor
    root: bytes  # the directory inside the file system that is at the point
    source: bytes  # a device, or what the kind of file system has instead
    number: bytes
    parent: bytes  # the number of the mount that the point is on

    @property
    def blind(self) -> bool:
        """Whether changes there may be unknown to inotify."""
        return _BLIND.fullmatch(self.kind) is not None

    @property
    def lasting(self) -> bool:
        """Whether inode numbers are the same after the next mount, and even after a while."""
        return _FLEETING.fullmatch(self.kind) is None


def mounts(table: str = MOUNTS) -> list[Mount]:
    """What is mounted, in the kernel's order; nothing where that can't be read."""
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
            parent = b""  # the first of all, where nothing was mounted over it
        found.append(Mount(point, shown, device, root, _unescape(source), number, parent))
    return found


def _unescape(field: bytes) -> bytes:
    return re.sub(rb"\\(\d{3})", lambda octal: bytes([int(octal[1], 8)]), field)


class MountTable:
    """What is mounted at one moment; to look something up costs what the path is long, however
    much is mounted."""

    def __init__(self, table: list[Mount]) -> None:
        self.mounts = table
        self._order = {mount.number: index for index, mount in enumerate(table)}
        self._first: dict[bytes, Mount] = {}  # by point: those that are on none of the others
        self._on: dict[tuple[bytes, bytes], Mount] = {}  # by the mount they are on and the point
        self._uppermost: dict[bytes, Mount] = {}  # by the number of one below it
        for mount in table:
            if mount.parent in self._order:
                self._on.setdefault((mount.parent, mount.point), mount)
            else:
                self._first.setdefault(mount.point, mount)

    def of(self, path: bytes) -> Mount | None:
        """The mount that `path`, absolute and without links, is on: what the kernel's walk comes
        to."""
        on_the_way = [b"/"]
        slash = path.find(b"/", 1)
        while slash > 0:
            on_the_way.append(path[:slash])
            slash = path.find(b"/", slash + 1)
        on_the_way.append(path)
        first = [self._first[point] for point in on_the_way if point in self._first]
        here = min(first, key=self.order, default=None)
        if here is None:
            return None
        # What is mounted on a directory further up hides what was below it.
        here = self._top(here)
        for point in on_the_way:
            if len(point) > len(here.point) and (mount := self._on.get((here.number, point))):
                here = self._top(mount)
        return here

    def _top(self, mount: Mount) -> Mount:
        """What hides a mount as a whole, being mounted over it; or the mount itself."""
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
        """Its place in the table: what is mounted later has a larger one."""
        return self._order[mount.number]

    @cached_property
    def visible(self) -> list[Mount]:
        """The mounts that no other one hides."""
        return [mount for mount in self.mounts if self.of(mount.point) is mount]


def network_filesystem(path: str, table: str = MOUNTS) -> str | None:
    """The type of the network file system that `path` is on; None if it is on a local one.

    `path` need not exist yet: then its nearest existing parent decides.
    """
    path = os.path.realpath(path)
    while not os.path.exists(path):
        path = os.path.dirname(path)
    mount = MountTable(mounts(table)).of(os.fsencode(path))
    return mount.kind if mount and _NETWORK.fullmatch(mount.kind) else None
