"""Programs whose names differ between the releases of a desktop."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable


def first(names: Iterable[str]) -> str | None:
    """The first of these programs (names, or absolute paths) that is installed."""
    return next((found for name in names if (found := shutil.which(name))), None)


# Plasma 6, then Plasma 5.
QDBUS = ("qdbus6", "qdbus")
QDBUS_PACKAGES = "qdbus-qt6 or qdbus-qt5"
BALOOSEARCH = ("baloosearch6", "baloosearch")
_LIBEXEC = f"/usr/lib/{os.uname().machine}-linux-gnu/libexec"
BALOO_FILE = (f"{_LIBEXEC}/kf6/baloo_file", f"{_LIBEXEC}/baloo_file", "/usr/bin/baloo_file")
BALOO_PACKAGES = "baloo6 or baloo-kf5"
# GNOME 48 (localsearch), then GNOME 43 (tracker).
LOCALSEARCH = ("localsearch", "tracker3")
LOCALSEARCH_PACKAGES = "localsearch, or tracker and tracker-extract"
