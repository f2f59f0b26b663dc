"""The order of files that show the same: the one to keep first."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from csearchd.paths import standard_paths

# What somebody or a camera has told of a picture; what is in every file says nothing.
_TELLING = (
    "taken", "make", "model", "lens", "iso", "latitude", "title", "description", "rating",
)  # fmt: skip
_TELLING_LISTS = ("keywords", "people")
_SETTING = re.compile(rb'^XDG_DOWNLOAD_DIR="(\$HOME)?(/.*)"', re.MULTILINE)
_MAX_BYTES = 1 << 16


def richness(details: Mapping[str, Any]) -> int:
    """How much is known of a picture (csearchd.library.metadata.details): more is better."""
    told = sum(1 for name in _TELLING if details.get(name))
    return told + sum(len(details.get(name, ())) for name in _TELLING_LISTS)


def downloads() -> bytes:
    """The directory that browsers save to.

    https://www.freedesktop.org/wiki/Software/xdg-user-dirs/
    """
    home = os.path.expanduser(b"~")
    try:
        configuration = os.path.dirname(os.path.dirname(standard_paths().config))
        with open(os.path.join(configuration, "user-dirs.dirs"), "rb") as file:
            found = _SETTING.search(file.read(_MAX_BYTES))
    except OSError:
        found = None
    if found is None:
        return os.path.join(home, b"Downloads")
    return (home if found[1] else b"") + found[2]
