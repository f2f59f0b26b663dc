"""The mounted file systems, and those whose changes inotify doesn't report."""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable, Iterable

from csearchd.library.roots import is_below
from csearchd.library.volumes.volumes import Volumes, pulled_out
from csearchd.system.filesystem import MOUNTS, Mount, MountTable, mounts
from csearchd.system.mount_types import is_fuse
from csearchd.watch.directory_listing import VersionFields

_MAX_LINKS = 40  # that are followed, as by the kernel
_ENDED = (errno.ENOTCONN, errno.ECONNABORTED)  # what calls into FUSE say without its program


class Mounts:
    """The kernel's table of mounts. Its descriptor reports POLLPRI when the table has changed."""

    def __init__(self) -> None:
        self._descriptor = os.open(MOUNTS, os.O_RDONLY | os.O_CLOEXEC)
        self._poller = select.poll()
        self._poller.register(self._descriptor, select.POLLPRI)
        self._table = MountTable(mounts())
        self._polled_prefixes = _polled_prefixes(self._table.mounts)
        self._dead: frozenset[bytes] = frozenset()  # numbers of mounts whose programs have ended

    @property
    def table(self) -> MountTable:
        """What was mounted when the table was last read."""
        return self._table

    @property
    def volumes(self) -> Volumes:
        """The file systems in `table`."""
        return Volumes(self._table.mounts, self._dead)

    def changed(self) -> bool:
        """Whether the table has changed since the last call, or since the descriptor was last
        polled."""
        return bool(self._poller.poll(0))

    def fileno(self) -> int:
        return self._descriptor

    def needs_polling(self, path: bytes) -> bool:
        """Whether `path` is on a file system whose changes inotify doesn't all report."""
        return self.polled_mount(path) is not None

    def pulled_out(self, path: bytes) -> bool:
        """Whether `path` is on a disk that was removed while it was mounted, or on a file system
        whose program has ended."""
        mount = self._table.mount_of(path)
        return mount is not None and (mount.number in self._dead or pulled_out(mount))

    def fuse_mounts(self) -> list[bytes]:
        """The mount points of what programs provide, if they are not known to have ended."""
        return [mount.point for mount in self._table.visible if self._has_program(mount)]

    def fuse_mount(self, path: bytes) -> bytes | None:
        """The one of `fuse_mounts` that `path` is on."""
        mount = self._table.mount_of(path)
        return mount.point if mount is not None and self._has_program(mount) else None

    def _has_program(self, mount: Mount) -> bool:
        return is_fuse(mount.kind) and mount.number not in self._dead

    def take_dead(self) -> list[bytes]:
        """Forgets which programs have ended, and returns their mount points: what is mounted there
        now may have the number of what was."""
        dead, self._dead = self._dead, frozenset()
        return [mount.point for mount in self._table.visible if mount.number in dead]

    def note_failure(self, path: bytes, error: OSError) -> bool:
        """Records that a call for `path` has failed with `error`. Returns whether that says that
        the program behind its file system has ended."""
        mount = self._table.mount_of(path)
        if error.errno not in _ENDED or mount is None or not is_fuse(mount.kind):
            return False
        self._dead |= {mount.number}
        return True

    def is_left_out(self, path: bytes, roots: Iterable[bytes]) -> bool:
        """Whether `path` is on a network or cloud file system of which neither it nor a directory
        above it was added: only what was added is read of those."""
        point = self.remote_mount(path)
        if point is None:
            return False
        return not any(is_below(path, root) and is_below(root, point) for root in roots)

    def left_out(
        self, roots: Iterable[bytes], enters: Callable[[bytes, bytes], bool]
    ) -> list[Mount]:
        """The network and cloud file systems below `roots` of which nothing was added, by path.

        `enters` says whether a scan of a root (the second path) would otherwise enter the first.
        """
        roots = list(roots)
        found: list[Mount] = []
        for mount in sorted(self._table.visible, key=lambda mount: mount.point):
            point = mount.point
            if (
                self._table.is_remote(mount)
                and self.is_left_out(point, roots)
                and not any(is_below(root, point) for root in roots)
                and any(enters(point, root) for root in roots)
                and not any(is_below(point, outer.point) for outer in found)
            ):
                found.append(mount)
        return found

    def remote_mount(self, path: bytes) -> bytes | None:
        """The mount point of the network or cloud file system that `path` is on, if it is. What was
        entered from another one belongs to that."""
        if not (path + b"/").startswith(self._polled_prefixes):
            return None  # quickly for most paths
        mount = self._table.mount_of(path)
        if mount is None or not self._table.is_remote(mount):
            return None
        return self._table.entered_from(mount).point

    def version_fields(self, path: bytes) -> VersionFields:
        """What tells versions of a file apart there, beside its size and mtime."""
        mount = self._table.mount_of(path)
        if mount is None:
            return VersionFields(ctime=True, inode=True)
        if self._table.is_remote(mount):
            # Many make them up, and what changes only these isn't worth fetching a file again.
            return VersionFields(ctime=False, inode=False)
        return VersionFields(ctime=True, inode=mount.has_stable_inodes)

    def polled_mount(self, path: bytes) -> bytes | None:
        """The mount point of the file system that `path` is on, if it needs polling."""
        if not (path + b"/").startswith(self._polled_prefixes):
            return None  # quickly for most paths
        mount = self._table.mount_of(path)
        return mount.point if mount is not None and mount.needs_polling else None

    @property
    def polled_prefixes(self) -> tuple[bytes, ...]:
        """The mount points of file systems that need polling, each with "/" at the end."""
        return self._polled_prefixes

    def resolve_local(self, path: bytes) -> bytes:
        """The absolute `path` with symbolic links followed, as far as it is on local file systems:
        on others a server may never answer. Missing components stay as they are."""
        here, rest, links = b"/", path.split(b"/")[::-1], 0
        while rest and not self.needs_polling(here):
            name = rest.pop()
            if name == b"..":
                here = os.path.dirname(here)
            elif name not in (b"", b"."):
                above, here = here, os.path.join(here, name)
                target = b"" if self.needs_polling(here) else _link(here)
                links += bool(target)
                if target and links <= _MAX_LINKS:
                    here = b"/" if target.startswith(b"/") else above
                    rest += target.split(b"/")[::-1]
        return os.path.join(here, *rest[::-1])

    def polled_mounts(self, directory: bytes) -> list[bytes]:
        """The sorted mount points below `directory` of file systems that need polling."""
        inside = directory.rstrip(b"/") + b"/"
        return sorted(
            {m.point for m in self._table.mounts if m.needs_polling and m.point.startswith(inside)}
        )

    def update(self) -> set[bytes]:
        """Reads the table again. Returns the mount points at which something has changed."""
        before, self._table = _by_point(self._table.mounts), MountTable(mounts())
        self._polled_prefixes = _polled_prefixes(self._table.mounts)
        after = _by_point(self._table.mounts)
        return {point for point in before | after if before.get(point) != after.get(point)}


def _polled_prefixes(table: list[Mount]) -> tuple[bytes, ...]:
    return tuple(mount.point.rstrip(b"/") + b"/" for mount in table if mount.needs_polling)


def _by_point(table: list[Mount]) -> dict[bytes, list[Mount]]:
    found: dict[bytes, list[Mount]] = {}
    for mount in table:
        found.setdefault(mount.point, []).append(mount)
    return found


def _link(path: bytes) -> bytes:
    """The target of the symbolic link at `path`; b"" if there is none."""
    try:
        return os.readlink(path)
    except (OSError, ValueError):
        return b""
