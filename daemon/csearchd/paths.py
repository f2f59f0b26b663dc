"""The paths of csearch's own files, in the XDG base directories (specification 0.8)."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass

_MAX_BYTES = 10_000_000  # of a file that users edit


@dataclass(frozen=True)
class Paths:
    """Absolute paths, which need not exist."""

    config: str  # the file config.toml
    data: str  # the library and installed models
    cache: str

    @property
    def library(self) -> str:
        """The file of the database."""
        return os.path.join(self.data, "library.sqlite")

    @property
    def history(self) -> str:
        """The file of past queries."""
        return os.path.join(self.data, "history")

    @property
    def log(self) -> str:
        """The file of the log, if a client has started the service (csearch.launch)."""
        return os.path.join(self.cache, "csearchd.log")

    @property
    def vocabulary(self) -> str:
        """The file of the user's own words for tags."""
        return os.path.join(os.path.dirname(self.config), "vocabulary.txt")

    @property
    def models(self) -> str:
        """The directory of installed models."""
        return os.path.join(self.data, "models")


def standard_paths() -> Paths:
    """The paths according to the environment; relative ones there are ignored, as XDG demands."""
    return Paths(
        config=os.path.join(_base("XDG_CONFIG_HOME", "~/.config"), "csearch", "config.toml"),
        data=os.path.join(_base("XDG_DATA_HOME", "~/.local/share"), "csearch"),
        cache=os.path.join(_base("XDG_CACHE_HOME", "~/.cache"), "csearch"),
    )


def close_to_others(paths: Paths) -> None:
    """Removes all permissions of group and others from csearch's own files, which an earlier umask
    or a copy may have given them. Doesn't follow links, and ignores errors."""
    for top in (os.path.dirname(paths.config), paths.data, paths.cache):
        for directory, _, files in os.walk(top):
            for path in (directory, *(os.path.join(directory, name) for name in files)):
                with suppress(OSError):
                    _close(path)


def delete_outdated(paths: Paths) -> None:
    """Deletes what csearch up to 0.1.0 kept in its cache: the names of places. Ignores errors."""
    for path in glob.glob(os.path.join(glob.escape(paths.cache), "places-*")):
        shutil.rmtree(path, ignore_errors=True)


def _close(path: str) -> None:
    info = os.lstat(path)
    if info.st_mode & 0o077 and not stat.S_ISLNK(info.st_mode) and info.st_uid == os.getuid():
        os.chmod(path, stat.S_IMODE(info.st_mode) & 0o700)


def read_file(path: str) -> bytes:
    """The content of a file that users edit. Raises OSError, also for pipes and devices, which
    could block forever, and for a file that is far too large."""
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(opened, "rb") as file:
        info = os.fstat(opened)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        if info.st_size > _MAX_BYTES:
            raise OSError(errno.EFBIG, f"it has more than {_MAX_BYTES // 1_000_000} MB", path)
        return file.read(_MAX_BYTES)


def _base(variable: str, default: str) -> str:
    value = os.environ.get(variable, "")
    return value if os.path.isabs(value) else os.path.expanduser(default)
