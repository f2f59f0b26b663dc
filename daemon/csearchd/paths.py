"""Where csearch's own files are: the XDG base directories (specification 0.8)."""

from __future__ import annotations

import os
from dataclasses import dataclass


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


def _base(variable: str, default: str) -> str:
    value = os.environ.get(variable, "")
    return value if os.path.isabs(value) else os.path.expanduser(default)
