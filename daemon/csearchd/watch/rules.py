"""The rules that say which directories are entered, and which files may be pictures."""

from __future__ import annotations

import fnmatch
import os
import re
import sys
from collections.abc import Collection, Sequence

from csearchd.errors import UnreadableError
from csearchd.formats.suffixes import families, suffix
from csearchd.system.files import open_file

# Directories without photos of the user: caches, thumbnails, trash, other programs' data.
EXCLUDED = (
    b".git", b".hg", b".svn", b".bzr", b"node_modules", b"__pycache__", b".cache", b".thumbnails",
    b".Trash", b".Trash-*", b"Trash", b"$RECYCLE.BIN", b"@eaDir", b"#recycle", b"lost+found",
    b".snapshots", b".zfs",
)  # fmt: skip

NOSEARCH = b".nosearch"
CACHEDIR_TAG = b"CACHEDIR.TAG"
_CACHEDIR_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"  # https://bford.info/cachedir/


class Rules:
    """The rules of the configuration's section `scan`."""

    def __init__(self, hidden: bool, exclude: Sequence[str]) -> None:
        """`hidden`: whether to enter and take names that begin with a dot. `exclude`: patterns
        (fnmatch) of names of directories that are not entered, beside EXCLUDED."""
        self.hidden = hidden
        patterns = [os.fsdecode(name) for name in EXCLUDED] + list(exclude)
        self._families = families()
        self._excluded = re.compile("|".join(fnmatch.translate(name) for name in patterns))

    def enters(self, name: bytes) -> bool:
        """Whether scans enter a directory called `name`."""
        if name.startswith(b".") and not self.hidden:
            return False
        return not self._excluded.match(os.fsdecode(name))

    def takes(self, name: bytes) -> bool:
        """Whether a file called `name` may be a picture."""
        return (self.hidden or not name.startswith(b".")) and suffix(name) in self._families


def is_marked(directory: int, names: Collection[bytes]) -> bool:
    """Whether an open directory with these entries is excluded by .nosearch or CACHEDIR.TAG."""
    if NOSEARCH in names:
        return True
    if CACHEDIR_TAG not in names:
        return False
    try:  # open_file takes regular files only: opening a pipe would block
        descriptor, _ = open_file(CACHEDIR_TAG, sys.maxsize, directory)
        with open(descriptor, "rb") as tag:
            return tag.read(len(_CACHEDIR_SIGNATURE)) == _CACHEDIR_SIGNATURE
    except (UnreadableError, OSError):
        return False
