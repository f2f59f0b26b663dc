"""What the types of file systems in the table of mounts mean for watching and reading.

Those with the prefix "fuse." are FUSE file systems, named by their programs as these do. A type
that no table has is local, but one of FUSE is taken as another machine's: to read a cloud drive in
full because nobody knew its program would cost more than one `csearchctl add`.
"""

from __future__ import annotations

import re

# Another machine's files, over the network, or the host's of a virtual machine. Behind autofs such
# a mount usually appears when it is entered. Disks of clusters are changed by other machines, too.
_SHARED = (
    "nfs", r"nfs\d", "cifs", r"smb\d?", "smbfs", "afs", "afp", "ncpfs", "coda", "ceph", "lustre",
    "gpfs", "beegfs", "ocfs2", "gfs2", "glusterfs", "orangefs", "pvfs2", "davfs", "autofs", "9p",
    "virtiofs", "vboxsf", "prl_fs", "vmhgfs",
)  # fmt: skip

# FUSE programs for file systems on local disks, which nobody changes but by way of the mount.
# "fuseblk" is any FUSE program on a block device, such as ntfs-3g and exfat-fuse.
_LOCAL_FUSE = (
    "fuseblk", "fuse.ntfs", "fuse.ntfs-3g", "fuse.lowntfs-3g", "fuse.exfat", "fuse.exfat-fuse",
    "fuse.fuse2fs", r"fuse.ext[234]", "fuse.fuse-ext2", "fuse.apfs-fuse", "fuse.hfsfuse",
    "fuse.lklfuse", "fuse.zfs-fuse", "fuse.vmfs-fuse", "fuse.dislocker",
)  # fmt: skip

# FUSE programs that show other directories, or files, which may be changed behind their back:
# other places of them, unions, encrypted directories, archives. They are as local as their source.
_STACKED_FUSE = (
    "fuse.bindfs", "fuse.mergerfs", "fuse.unionfs", "fuse.unionfs-fuse", "fuse.fuse-overlayfs",
    "fuse.mhddfs", "fuse.posixovl", "fuse.gocryptfs", "fuse.encfs", "fuse.cryfs", "fuse.securefs",
    "fuse.archivemount", "fuse.fuse-archive", "fuse.fuse-zip", "fuse.fuseiso", "fuse.rar2fs",
    "fuse.squashfuse", "fuse.squashfuse_ll", "fuse.snapfuse", "fuse.dwarfs", "fuse.ratarmount",
)  # fmt: skip

# On these, SQLite's write-ahead log is unsafe, since it needs memory that all users of the database
# share (https://sqlite.org/wal.html, section 1).
_WITHOUT_SHARED_MEMORY = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|afs|ncpfs|coda|ceph|lustre|gpfs|beegfs|ocfs2|gfs2|glusterfs|9p|davfs"
    r"|fuse\.(sshfs|rclone|glusterfs|s3fs|davfs2?|curlftpfs|ceph-fuse|smbnetfs|gvfsd-fuse|juicefs)"
)

# The kernel or libfuse assigns inode numbers when files are used.
_UNSTABLE_INODES = re.compile(r"vfat|msdos|exfat|fuseblk|fuse(\..*)?")


def _pattern(types: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(name.replace("fuse.", r"fuse\.") for name in types))


_IS_SHARED, _IS_LOCAL_FUSE = _pattern(_SHARED), _pattern(_LOCAL_FUSE)
_IS_STACKED_FUSE = _pattern(_STACKED_FUSE)


def is_fuse(kind: str) -> bool:
    """Whether a program provides the file system, which may end while it is mounted."""
    return kind == "fuse" or kind.startswith(("fuse.", "fuseblk"))


def is_stacked(kind: str) -> bool:
    """Whether a FUSE program shows other directories or files; it is as local as they are."""
    return _IS_STACKED_FUSE.fullmatch(kind) is not None


def is_remote(kind: str) -> bool:
    """Whether it is a network or cloud file system, or one of which nobody knows that it isn't.

    One that `is_stacked` is not.
    """
    if not is_fuse(kind):
        return _IS_SHARED.fullmatch(kind) is not None
    return not (_IS_LOCAL_FUSE.fullmatch(kind) or is_stacked(kind))


def is_polled(kind: str) -> bool:
    """Whether inotify may not report all changes there: other machines or programs make them."""
    return is_remote(kind) or is_stacked(kind)


def has_stable_inodes(kind: str) -> bool:
    """Whether inode numbers stay the same, even after the next mount."""
    return _UNSTABLE_INODES.fullmatch(kind) is None


def holds_databases(kind: str) -> bool:
    """Whether SQLite's write-ahead log is safe there."""
    return _WITHOUT_SHARED_MEMORY.fullmatch(kind) is None
