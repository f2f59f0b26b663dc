"""Directories that are reached by several paths, since they are mounted several times."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection

from csearchd.library.roots import is_below
from csearchd.system.filesystem import Mount, MountTable


def repeated(
    table: MountTable,
    roots: Collection[bytes],
    asked: Collection[bytes],
    admits: Callable[[bytes], bool],
) -> frozenset[bytes]:
    """The paths in `roots`, and in what clients have `asked` for, of what is read by another path.

    Of all paths of a directory that scans reach, that of a root counts, else that by the earliest
    mount: that of a bind mount is a later one. What was asked for is read in any case. `admits`
    tells whether a scan enters a path in one of these directories.

    On network file systems each path counts: of all directories of an NFS server the table may say
    that they are the same one, and only those that were added are read.
    """
    tops = {*roots, *asked}
    by_device: dict[bytes, list[Mount]] = {}
    for mount in table.visible:
        if not table.is_remote(mount):
            by_device.setdefault(mount.device, []).append(mount)
    points = [
        mount.point for same in by_device.values() if len(same) > 1 for mount in same
    ]  # without these, each directory has one path
    if not points:
        return frozenset()
    surplus: set[bytes] = set()
    for path in {*points, *tops}:
        if path not in tops and not any(is_below(path, top) for top in tops):
            continue
        paths = _paths(table, by_device, path)
        if len(paths) < 2:
            continue
        reached = [
            each
            for each in paths
            if each in roots
            or (each not in tops and any(is_below(each, top) for top in tops) and admits(each))
        ]
        reached.sort(key=lambda each: each not in roots)  # keeps the order of the mounts
        surplus.update(each for each in reached[1:] if each not in roots)
    return frozenset(surplus)


def _paths(table: MountTable, by_device: dict[bytes, list[Mount]], path: bytes) -> list[bytes]:
    """All paths of the directory at `path`, those by earlier mounts first."""
    mount = table.mount_of(path)
    if mount is None:
        return []
    rest = path[len(mount.point.rstrip(b"/")) :].strip(b"/")
    inside = os.path.join(mount.root, rest).rstrip(b"/") or b"/"
    found = []
    for other in by_device.get(mount.device, ()):
        if is_below(inside, other.root):
            below = inside[len(other.root.rstrip(b"/")) :].strip(b"/")
            same = os.path.join(other.point, below).rstrip(b"/") or b"/"
            if table.mount_of(same) is other:
                found.append(same)
    return found
