"""The language of the session that the service runs in."""

from __future__ import annotations

import os


def own_language() -> str:
    """The locale for messages, '' if none is set. locale(7): the first variable that is set
    counts."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return value
    return ""
