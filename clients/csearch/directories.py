"""Paths of csearch's own files that clients need."""

from __future__ import annotations

import os


def data_directory() -> str:
    """The directory of the library and the models, which may not exist."""
    return os.path.join(base("XDG_DATA_HOME", "~/.local/share"), "csearch")


def cache_directory() -> str:
    """The directory of files that can be deleted at any time. It may not exist."""
    return os.path.join(base("XDG_CACHE_HOME", "~/.cache"), "csearch")


def lock_path() -> str:
    """The lock file of the library. It contains the number of the daemon's process."""
    return os.path.join(data_directory(), "lock")


def base(variable: str, default: str) -> str:
    """The directory that an XDG variable names."""
    value = os.environ.get(variable, "")
    if not os.path.isabs(value):  # the XDG specification says to ignore relative ones
        value = os.path.expanduser(default)
    return value
