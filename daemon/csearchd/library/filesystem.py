"""What file system a path is on, from the kernel's table of mounts (proc_pid_mountinfo(5))."""

from __future__ import annotations

import os
import re
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


def mount_of(path: bytes, among: list[Mount]) -> Mount | None:
    """The mount that `path`, absolute and without links, is on: what the kernel's walk comes to."""
    on_the_way = [
        mount
        for mount in among
        if path.startswith(mount.point) and path[len(mount.point.rstrip(b"/")) :][:1] in (b"", b"/")
    ]
    numbers = {mount.number for mount in on_the_way}
    here = next((mount for mount in on_the_way if mount.parent not in numbers), None)
    while here and (next_ones := [m for m in on_the_way if m.parent == here.number]):
        # What is mounted on a directory further up hides what was below it.
        here = min(next_ones, key=lambda mount: len(mount.point))
    return here


def network_filesystem(path: str, table: str = MOUNTS) -> str | None:
    """The type of the network file system that `path` is on; None if it is on a local one.

    `path` need not exist yet: then its nearest existing parent decides.
    """
    path = os.path.realpath(path)
    while not os.path.exists(path):
        path = os.path.dirname(path)
    mount = mount_of(os.fsencode(path), mounts(table))
    return mount.kind if mount and _NETWORK.fullmatch(mount.kind) else None
