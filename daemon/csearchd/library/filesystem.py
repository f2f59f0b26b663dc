"""What file system a path is on, from the kernel's table of mounts (proc_pid_mountinfo(5))."""

from __future__ import annotations

import os
import re

# Where SQLite's write-ahead log is unsafe: its shared memory doesn't reach other machines
# (https://sqlite.org/wal.html, section 1).
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|afs|ncpfs|coda|ceph|lustre|gpfs|beegfs|ocfs2|gfs2|glusterfs|9p|davfs"
    r"|fuse\.(sshfs|rclone|glusterfs|s3fs|davfs2?|curlftpfs|ceph-fuse|smbnetfs|gvfsd-fuse|juicefs)"
)


def network_filesystem(path: str, mounts: str = "/proc/self/mountinfo") -> str | None:
    """The type of the network file system that `path` is on; None if it is on a local one.

    `path` need not exist yet: then its nearest existing parent decides.
    """
    path = os.path.realpath(path)
    while not os.path.exists(path):
        path = os.path.dirname(path)
    try:
        with open(mounts, errors="surrogateescape") as table:
            lines = table.readlines()
    except OSError:
        return None
    best, kind = "", ""
    for line in lines:
        before, _, after = line.partition(" - ")
        point = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), before.split()[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):  # of several at one point, the last is on top
            best, kind = point, after.split()[0]
    return kind if _NETWORK.fullmatch(kind) else None
