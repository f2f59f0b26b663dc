"""The rules that say which directories are entered, and which files may be pictures."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Sequence

from csearchd.formats.suffixes import families, suffix
from csearchd.watch.exclusion.globs import is_path, path_globs

# Directories without photos of the user: caches, thumbnails, trash, snapshots of file servers,
# other programs' data.
EXCLUDED = (
    b".git", b".hg", b".svn", b".bzr", b"node_modules", b"__pycache__", b".cache", b".thumbnails",
    b".Trash", b".Trash-*", b".Trashes", b"Trash", b"$RECYCLE.BIN", b"$Recycle.Bin", b"RECYCLER",
    b"System Volume Information", b"#recycle", b"@Recycle", b"@eaDir", b".@__thumb", b"lost+found",
    b".snapshots", b".snapshot", b"#snapshot", b"~snapshot", b"@snapshot", b"@Recently-Snapshot",
    b"#Recently-Snapshot", b".zfs", b".snap", b"appdata_oc*", b"__MACOSX",
)  # fmt: skip


class Rules:
    """The rules of the configuration's section `scan`."""

    def __init__(
        self,
        hidden: bool,
        exclude: Sequence[str],
        resolve: Callable[[bytes], bytes] = os.path.abspath,
    ) -> None:
        """`hidden`: whether to enter and take names that begin with a dot. `exclude`: patterns of
        what is left out beside EXCLUDED: names of directories (fnmatch), and paths (see
        `csearchd.watch.exclusion.globs`, and for `resolve`)."""
        self.hidden = hidden
        self._exclude = exclude
        names = [pattern.rstrip("/") for pattern in exclude if not is_path(pattern)]
        patterns = [os.fsdecode(name) for name in EXCLUDED] + [name for name in names if name]
        self._families = families()
        self._excluded = re.compile("|".join(fnmatch.translate(name) for name in patterns))
        self._globs = path_globs(exclude, resolve)

    def resolved(self, resolve: Callable[[bytes], bytes]) -> Rules:
        """The same rules, with symbolic links in their paths followed by `resolve`."""
        return Rules(self.hidden, self._exclude, resolve) if self._globs else self

    @property
    def depend_on_paths(self) -> bool:
        """Whether a directory that is moved may have to be scanned again."""
        return bool(self._globs)

    def enters(self, name: bytes) -> bool:
        """Whether scans enter a directory called `name`."""
        if name.startswith(b".") and not self.hidden:
            return False
        return not self._excluded.match(os.fsdecode(name))

    def takes(self, name: bytes) -> bool:
        """Whether a file called `name` may be a picture."""
        return (self.hidden or not name.startswith(b".")) and suffix(name) in self._families

    def excludes_path(self, path: bytes, top: bytes) -> bool:
        """Whether the file or directory at `path` is excluded by its path, if one asked for what is
        in `top`."""
        return any(glob.excludes(path, top) for glob in self._globs)
