"""Where scans end: what is not read, unless somebody asks for it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from functools import cached_property

from csearchd.errors import UnreadableError
from csearchd.library.roots import is_below
from csearchd.system.filesystem import Mount, MountTable
from csearchd.watch.exclusion.ignore_files import IgnoreFile, ignore_files, ignored
from csearchd.watch.exclusion.marks import MARKS, is_marked
from csearchd.watch.exclusion.other_programs import holds_copies
from csearchd.watch.exclusion.same_trees import repeated
from csearchd.watch.exclusion.snapshots import Snapshots
from csearchd.watch.rules import Rules

SYSTEM_DIRECTORIES = (b"proc", b"sys", b"dev", b"run")  # in "/": never entered
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BESIDE = (b"encoded-video",)  # names that other names depend on


class Boundaries:
    """What is read in and below the directories that somebody asked for.

    These are the roots, and what a client has named though a scan of a root wouldn't enter it; the
    latter are remembered until what excludes them changes, or the service ends. Each is read
    whatever the rules say of it, and `.csearchignore` counts in it and below it. Other directories
    that a client names, outside of roots, are below "/".
    """

    def __init__(self, rules: Rules, table: MountTable) -> None:
        self.rules = rules
        self._roots: frozenset[bytes] = frozenset()
        self._asked: frozenset[bytes] = frozenset()  # beside roots
        self._scopes: frozenset[bytes] = frozenset()  # that clients have named outside of roots
        self._set_table(table)
        self._repeated: frozenset[bytes] = frozenset()

    def _set_table(self, table: MountTable) -> None:
        self._table = table
        self._snapshots = Snapshots(table)

    def update(
        self, table: MountTable | None = None, roots: Iterable[bytes] | None = None
    ) -> set[bytes]:
        """Takes the present mounts or roots. Returns the paths that are excluded, or no longer are,
        since what is there is reached by another path, too."""
        if table is not None:
            self._set_table(table)
        if roots is not None:
            before_roots, self._roots = self._roots, frozenset(roots)
            self._asked -= before_roots - self._roots
        before, self._repeated = self._repeated, frozenset()
        asked = self._scopes | self._asked
        self._repeated = repeated(self._table, self._roots, asked, self._reaches)
        return set(before ^ self._repeated)

    def ask(self, path: bytes, is_admitted: bool) -> set[bytes]:
        """Records that a client asks for the directory at `path`. Returns as `update`.

        `is_admitted`: whether `admits` says so already.
        """
        if path in self._roots:
            return set()
        if not is_admitted:
            self._asked |= {path}
        elif path in self._scopes or self.is_in_root(path):
            return set()
        self._scopes |= {path}
        return self.update()

    def forget_asked(self, directory: bytes) -> None:
        """What a client asked for at or below `directory` may be left out from now on."""
        self._asked = frozenset(path for path in self._asked if not is_below(path, directory))

    def _reaches(self, path: bytes) -> bool:
        """Whether a scan lists the directory at `path`. No program behind a file system is asked,
        which may never answer: in those, names alone decide."""
        mount = self._table.mount_of(path)
        if mount is None or not mount.needs_polling:
            return os.access(path, os.R_OK | os.X_OK) and self.admits(path)
        top = self.top(path)
        is_mounted_below = mount.point != top and is_below(mount.point, top)
        return self.may_enter(path, top) and (
            not is_mounted_below or self._reaches(os.path.dirname(mount.point))
        )

    def is_asked(self, path: bytes) -> bool:
        """Whether somebody has asked for the directory at `path` itself."""
        return path in self._roots or path in self._asked

    def is_asked_in_root(self, path: bytes) -> bool:
        """Whether a client has asked for the directory at `path`, which is in a root and none."""
        return path in self._asked and path not in self._roots and self.is_in_root(path)

    def asked_in_roots(self) -> set[bytes]:
        """The directories of which `is_asked_in_root` is true."""
        return {path for path in self._asked if self.is_asked_in_root(path)}

    def top(self, path: bytes) -> bytes:
        """The nearest directory at or above `path` that was asked for; else b"/"."""
        while path and path not in self._roots and path not in self._asked:
            path = path.rpartition(b"/")[0]
        return path or b"/"

    def admits(self, path: bytes, whatever_its_marks: bool = False) -> bool:
        """Whether a scan of what was asked for enters the directory at `path`, which need not
        exist. `whatever_its_marks`: without regard to files in it, which its listing tells of."""
        here = self.top(path)
        for name in path[len(here.rstrip(b"/")) :].split(b"/"):
            if not name:
                continue
            beside = [each for each in _BESIDE if os.path.lexists(os.path.join(here, each))]
            try:
                if not self.filter(here).enters(name, beside):
                    return False
            except UnreadableError:
                pass  # the listing of the directory says so
            here = os.path.join(here, name)
            if here == path and whatever_its_marks:
                return True
            if not self.is_asked(here) and _has_mark(here):
                return False
        return True

    def may_enter(self, path: bytes, root: bytes) -> bool:
        """As `admits`, by the names alone: whether a scan of `root` may enter `path` below it."""
        names = [name for name in path[len(root) :].split(b"/") if name]
        if (
            not names
            or not is_below(path, root)
            or (root == b"/" and names[0] in SYSTEM_DIRECTORIES)
        ):
            return False
        return all(self.rules.enters(name) for name in names)

    def filter(self, path: bytes) -> Filter:
        """What of the directory at `path` is read. Raises UnreadableError."""
        top = self.top(path)
        return Filter(self, path, top, ignore_files(top, path))

    def was_asked(self, path: bytes) -> bool:
        """Whether a client may have asked for the known directory at `path` before the service was
        started: it is outside of roots."""
        return path not in self._repeated and not self.is_in_root(path)

    def is_in_root(self, path: bytes) -> bool:
        """Whether `path` is a root or below one."""
        return any(is_below(path, root) for root in self._roots)

    def mount_of(self, path: bytes) -> Mount | None:
        """The mount that contains `path`."""
        return self._table.mount_of(path)

    def excludes(self, path: bytes, above: Mount | None) -> bool:
        """Whether the directory at `path` is a snapshot, or reached by another path, too. `above`:
        the mount of the directory that it is in."""
        return path in self._repeated or self._snapshots.is_snapshot(path, above)

    def asked_in(self, path: bytes) -> set[bytes]:
        """The names of the directories in that at `path` which somebody has asked for, though they
        are no roots."""
        return {os.path.basename(each) for each in self._asked if os.path.dirname(each) == path}

    def leading_to_asked(self, path: bytes) -> set[bytes]:
        """The names of the directories in that at `path` which are, or contain, one that somebody
        has asked for, though that is no root."""
        prefix = path.rstrip(b"/") + b"/"
        below = [each[len(prefix) :] for each in self._asked if each.startswith(prefix)]
        return {each.partition(b"/")[0] for each in below}


class Filter:
    """Says which entries of one directory are read."""

    def __init__(
        self, boundaries: Boundaries, path: bytes, top: bytes, files: list[IgnoreFile]
    ) -> None:
        """`files`: those in `path` and above it, up to `top`."""
        self._boundaries = boundaries
        self._path = path
        self._prefix = path.rstrip(b"/") + b"/"
        self._top = top
        self._files = files
        self._asked = boundaries.asked_in(path)

    @cached_property
    def _mount(self) -> Mount | None:
        return self._boundaries.mount_of(self._path)

    def enters(self, name: bytes, beside: Collection[bytes]) -> bool:
        """Whether scans enter the subdirectory `name`. `beside`: the names of all entries."""
        if name in self._asked:
            return True
        boundaries = self._boundaries
        if not boundaries.rules.enters(name) or holds_copies(self._path, name, beside):
            return False
        if self._path == b"/" and name in SYSTEM_DIRECTORIES:
            return False
        path = self._prefix + name
        return not self._excludes(path, True) and not boundaries.excludes(path, self._mount)

    def takes(self, name: bytes) -> bool:
        """Whether the file `name`, of which the rules say that it may be a picture, is one."""
        return not self._excludes(self._prefix + name, False)

    @property
    def is_asked(self) -> bool:
        """Whether somebody has asked for the directory itself."""
        return self._boundaries.is_asked(self._path)

    def is_marked(self, descriptor: int, names: Collection[bytes]) -> bool:
        """Whether the directory, which is open and has the entries `names`, is left out itself."""
        return is_marked(descriptor, self._path, names, self.is_asked)

    def _excludes(self, path: bytes, is_directory: bool) -> bool:
        rules = self._boundaries.rules
        return (rules.depend_on_paths and rules.excludes_path(path, self._top)) or (
            bool(self._files) and ignored(self._files, path, is_directory)
        )


def _has_mark(path: bytes) -> bool:
    """Whether the directory at `path`, for which nobody has asked, is excluded by a file in it."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        return False
    try:
        names = {mark for mark in MARKS if _exists(mark, descriptor)}
        if names or path.endswith(b"/thumbs"):
            names = {os.fsencode(name) for name in os.listdir(descriptor)}
        return is_marked(descriptor, path, names, is_asked=False)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _exists(name: bytes, directory: int) -> bool:
    return os.access(name, os.F_OK, dir_fd=directory, follow_symlinks=False)
