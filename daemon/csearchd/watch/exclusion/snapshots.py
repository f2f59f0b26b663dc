"""Tells snapshots from other directories, whatever they are called."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from csearchd.system.filesystem import Mount, MountTable
from csearchd.watch.exclusion.btrfs import TOP_INODE, Subvolume, subvolume_at, subvolumes

# The subvolumes of a file system are kept in memory for so long, if the one that is looked for is
# among them, else for less
_KNOWN_SECONDS, _MISSING_SECONDS = 30.0, 1.0
_COST_FACTOR = 50  # looking for them takes at most this fraction (1/50) of the time


class _Known(NamedTuple):
    """The subvolumes of a file system that could be seen."""

    since: float  # monotonic seconds
    cost: float  # seconds that it took to look for them
    subvolumes: dict[bytes, Subvolume]  # by UUID


class Snapshots:
    """Snapshots of btrfs and ZFS.

    A read-only subvolume that was made from another one is a snapshot. A writable one is, too, if
    the one that it was made from is there and can change: then most of what both hold is the same.
    But after a rollback, the user's subvolume was made from a read-only snapshot, and is read; so
    is a writable one that is mounted by itself.
    """

    def __init__(self, table: MountTable) -> None:
        self._table = table
        self._points = {mount.point: mount for mount in table.visible}
        self._known: dict[bytes, _Known] = {}  # by device

    def is_snapshot(self, path: bytes, above: Mount | None) -> bool:
        """Whether the directory at `path` is a snapshot's top directory. `above`: the mount of the
        directory that it is in."""
        mounted = self._points.get(path)
        if mounted is not None and mounted.kind == "zfs":
            return b"@" in mounted.source
        mount = mounted or above
        if mount is None or mount.kind != "btrfs" or not _is_top(path):
            return False
        subvolume = subvolume_at(path)
        if subvolume is None or subvolume.parent is None:
            return False
        if subvolume.is_read_only:
            return True
        if mounted is not None:
            return False
        parent = self._subvolume(mount, subvolume.parent)
        return parent is not None and not parent.is_read_only

    def _subvolume(self, mount: Mount, uuid: bytes) -> Subvolume | None:
        """The subvolume of a mounted file system that has this UUID; None if none can be seen."""
        known = self._known.get(mount.device)
        began = time.monotonic()
        if known is not None:
            kept = _KNOWN_SECONDS if uuid in known.subvolumes else _MISSING_SECONDS
            if began - known.since < max(kept, _COST_FACTOR * known.cost):
                return known.subvolumes.get(uuid)
        points = [other.point for other in self._table.visible if other.device == mount.device]
        found = {each.uuid: each for point in points for each in subvolumes(point)}
        now = time.monotonic()
        self._known[mount.device] = _Known(now, now - began, found)
        return found.get(uuid)


def _is_top(path: bytes) -> bool:
    """Whether the directory at `path` is the top of a subvolume."""
    try:
        return os.lstat(path).st_ino == TOP_INODE
    except OSError:
        return False
