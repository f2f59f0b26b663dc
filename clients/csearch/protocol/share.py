"""Finds the files that come with csearch beside its modules: integrations/ and systemd/."""

from __future__ import annotations

import os

import csearch


def share_directory() -> str | None:
    """Their directory: `share` in the installed package, the clone's root in a clone; None where
    they are missing."""
    package = os.path.dirname(os.path.abspath(csearch.__file__))
    for place in (os.path.join(package, "share"), os.path.dirname(os.path.dirname(package))):
        if os.path.isdir(os.path.join(place, "systemd")):
            return place
    return None
