"""Where csearch's own files are: the XDG base directories (specification 0.8)."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass

_MOST_BYTES = 10_000_000  # of a file that somebody writes by hand


@dataclass(frozen=True)
class Paths:
    """Absolute paths; none need exist yet."""

    config: str  # the file config.toml
    data: str  # the library and installed models
    cache: str

    @property
    def library(self) -> str:
        return os.path.join(self.data, "library.sqlite")

    @property
    def history(self) -> str:
        """Past queries."""
        return os.path.join(self.data, "history")

    @property
    def vocabulary(self) -> str:
        """The user's own words for tags."""
        return os.path.join(os.path.dirname(self.config), "vocabulary.txt")

    @property
    def models(self) -> str:
        return os.path.join(self.data, "models")


def standard_paths() -> Paths:
    """The paths that the environment asks for; a relative one there is ignored, as XDG says."""
    return Paths(
        config=os.path.join(_base("XDG_CONFIG_HOME", "~/.config"), "csearch", "config.toml"),
        data=os.path.join(_base("XDG_DATA_HOME", "~/.local/share"), "csearch"),
        cache=os.path.join(_base("XDG_CACHE_HOME", "~/.cache"), "csearch"),
    )


def close_to_others(paths: Paths) -> None:
    """Takes from group and others what an earlier umask, or a copy, has left them of csearch's own
    files. Links are not followed; what can't be changed stays."""
    for top in (os.path.dirname(paths.config), paths.data, paths.cache):
        for directory, _, files in os.walk(top):
            for path in (directory, *(os.path.join(directory, name) for name in files)):
                with suppress(OSError):
                    _close(path)


def _close(path: str) -> None:
    info = os.lstat(path)
    if info.st_mode & 0o077 and not stat.S_ISLNK(info.st_mode) and info.st_uid == os.getuid():
        os.chmod(path, stat.S_IMODE(info.st_mode) & 0o700)


def read_file(path: str) -> bytes:
    """The content of a file that the user may edit. Raises OSError, as for pipes and devices,
    which might keep a reader for ever, and for what is far too large."""
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(opened, "rb") as file:
        info = os.fstat(opened)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        if info.st_size > _MOST_BYTES:
            raise OSError(errno.EFBIG, f"it has more than {_MOST_BYTES // 1_000_000} MB", path)
        return file.read(_MOST_BYTES)


def _base(variable: str, default: str) -> str:
    value = os.environ.get(variable, "")
    return value if os.path.isabs(value) else os.path.expanduser(default)
