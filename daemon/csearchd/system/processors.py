"""Counts the processors that the process may use, according to its cpuset and control groups.

See sched_getaffinity(2), cgroups(7), and admin-guide/cgroup-v2.rst (`cpu.max`) and
scheduler/sched-bwc.rst (`cpu.cfs_quota_us`) of the kernel's documentation.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

from csearchd.system.filesystem import MOUNTS, Mount, mounts

CGROUPS = "/proc/self/cgroup"


def usable() -> frozenset[int]:
    """The numbers of the processors on which this thread may run."""
    return frozenset(os.sched_getaffinity(0))


def count(cgroups: str = CGROUPS, table: str = MOUNTS) -> int:
    """The number of threads that can compute at the same time, at least 1."""
    return max(1, math.ceil(min(len(usable()), _quota(cgroups, table))))


def _quota(cgroups: str, table: str) -> float:
    """The number of processors that our control groups allow, by the strictest quota; else
    infinity."""
    of_kind = _groups(cgroups)
    return min(
        (
            quota
            for mount in mounts(table)
            if mount.kind in of_kind
            for directory in _upwards(mount, of_kind[mount.kind])
            for quota in (_cpu_max(directory), _cfs_quota(directory))
        ),
        default=math.inf,
    )


def _groups(cgroups: str) -> dict[str, bytes]:
    """The process's control group by the type of the file system in which it can have a quota."""
    found = {}
    try:
        with open(cgroups, "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return {}
    for line in lines:
        _, controllers, group = (*line.split(b":", 2), b"", b"")[:3]
        if not controllers:
            found["cgroup2"] = group
        elif b"cpu" in controllers.split(b","):
            found["cgroup"] = group
    return found


def _upwards(mount: Mount, group: bytes) -> Iterator[bytes]:
    """The directories of a control group and of its parents, as far as they are mounted."""
    root = mount.root.rstrip(b"/")
    inside = group[len(root) :] if (group + b"/").startswith(root + b"/") else b""
    names = [name for name in inside.split(b"/") if name]
    if b".." in names:  # the group is outside the mounted tree
        names = []
    for length in range(len(names), -1, -1):
        yield os.path.join(mount.point, *names[:length])


def _cpu_max(directory: bytes) -> float:
    """The quota in version 2: a file with the microseconds in a period, or "max", and the
    period."""
    quota, period = (*_words(os.path.join(directory, b"cpu.max")), b"", b"")[:2]
    return _share(quota, period)


def _cfs_quota(directory: bytes) -> float:
    """The quota in version 1: two files with the same numbers, where -1 is no limit."""
    quota, period = (
        (*_words(os.path.join(directory, name)), b"")[0]
        for name in (b"cpu.cfs_quota_us", b"cpu.cfs_period_us")
    )
    return _share(quota, period)


def _share(quota: bytes, period: bytes) -> float:
    if not quota.isdigit() or not period.isdigit() or not int(period):
        return math.inf
    return int(quota) / int(period)


def _words(path: bytes) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            return file.readline().split()
    except OSError:
        return []
