"""Mounts that come and go, and those whose changes inotify doesn't tell."""

from __future__ import annotations

import os
import select

from csearchd.library.volumes.volumes import Volumes, pulled_out
from csearchd.system.filesystem import MOUNTS, Mount, MountTable, mounts

_MOST_LINKS = 40  # as the kernel follows


class Mounts:
    """The table of mounts. Its descriptor is ready (POLLPRI) when the table has changed."""

    def __init__(self) -> None:
        self._descriptor = os.open(MOUNTS, os.O_RDONLY | os.O_CLOEXEC)
        self._poller = select.poll()
        self._poller.register(self._descriptor, select.POLLPRI)
        self._table = MountTable(mounts())
        self._blind = _blind(self._table.mounts)

    @property
    def volumes(self) -> Volumes:
        """What was mounted when the table was read last."""
        return Volumes(self._table.mounts)

    def changed(self) -> bool:
        """Whether the table has changed since somebody asked, or waited for it, last."""
        return bool(self._poller.poll(0))

    def fileno(self) -> int:
        return self._descriptor

    def blind(self, path: bytes) -> bool:
        """Whether `path` is where inotify doesn't tell all changes."""
        return self.blind_point(path) is not None

    def pulled_out(self, path: bytes) -> bool:
        """Whether `path` is on a disk that isn't there any more, though it is still mounted."""
        mount = self._table.of(path)
        return mount is not None and pulled_out(mount)

    def lasting(self, path: bytes) -> bool:
        """Whether inode numbers there are always the same."""
        mount = self._table.of(path)
        return mount is None or mount.lasting

    def blind_point(self, path: bytes) -> bytes | None:
        """The mount that `path` is on, if inotify doesn't tell all changes there."""
        if not (path + b"/").startswith(self._blind):
            return None  # most are not
        mount = self._table.of(path)
        return mount.point if mount is not None and mount.blind else None

    @property
    def blind_prefixes(self) -> tuple[bytes, ...]:
        """With which paths begin that inotify doesn't tell all changes of."""
        return self._blind

    def resolve_local(self, path: bytes) -> bytes:
        """`path`, absolute, with its links followed up to where inotify doesn't tell all changes:
        to look further may take for ever. What is no link, or isn't there, stays as it is."""
        here, rest, links = b"/", path.split(b"/")[::-1], 0
        while rest and not self.blind(here):
            name = rest.pop()
            if name == b"..":
                here = os.path.dirname(here)
            elif name not in (b"", b"."):
                above, here = here, os.path.join(here, name)
                target = b"" if self.blind(here) else _link(here)
                links += bool(target)
                if target and links <= _MOST_LINKS:
                    here = b"/" if target.startswith(b"/") else above
                    rest += target.split(b"/")[::-1]
        return os.path.join(here, *rest[::-1])

    def blind_points(self, directory: bytes) -> list[bytes]:
        """The mounts below `directory`, if any, where inotify doesn't tell all changes."""
        inside = directory.rstrip(b"/") + b"/"
        return sorted(
            {m.point for m in self._table.mounts if m.blind and m.point.startswith(inside)}
        )

    def update(self) -> set[bytes]:
        """Reads the table again. Returns the points at which something else is mounted now."""
        before, self._table = _by_point(self._table.mounts), MountTable(mounts())
        self._blind = _blind(self._table.mounts)
        after = _by_point(self._table.mounts)
        return {point for point in before | after if before.get(point) != after.get(point)}


def _blind(table: list[Mount]) -> tuple[bytes, ...]:
    return tuple(mount.point.rstrip(b"/") + b"/" for mount in table if mount.blind)


def _by_point(table: list[Mount]) -> dict[bytes, list[Mount]]:
    found: dict[bytes, list[Mount]] = {}
    for mount in table:
        found.setdefault(mount.point, []).append(mount)
    return found


def _link(path: bytes) -> bytes:
    """Where a symbolic link leads; nowhere, where it is none."""
    try:
        return os.readlink(path)
    except (OSError, ValueError):
        return b""
