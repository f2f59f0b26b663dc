"""Where csearch's own files are, as far as a client needs to know."""

from __future__ import annotations

import os


def data_directory() -> str:
    """The daemon's library and models; it need not exist."""
    return os.path.join(base("XDG_DATA_HOME", "~/.local/share"), "csearch")


def cache_directory() -> str:
    """What can be thrown away; it need not exist."""
    return os.path.join(base("XDG_CACHE_HOME", "~/.cache"), "csearch")


def lock_path() -> str:
    """The lock of the library, which the daemon that serves it holds; it tells its process."""
    return os.path.join(data_directory(), "lock")


def base(variable: str, default: str) -> str:
    """The directory that an XDG variable names."""
    value = os.environ.get(variable, "")
    if not os.path.isabs(value):  # a relative one is to be ignored, as XDG says
        value = os.path.expanduser(default)
    return value
