"""Paths that the user names."""

from __future__ import annotations

import os

from csearch.errors import ClientError


def absolute(path: str) -> bytes:
    """The absolute path of what the user named, as the bytes that were typed.

    Nothing is folded: what `link/..` is only the service knows, which follows links.
    """
    if not path:
        raise ClientError("a path is empty; . is the current directory")
    named = os.fsencode(path)
    return named if os.path.isabs(named) else os.path.join(current_directory(), named)


def current_directory() -> bytes:
    """Raises ClientError if it has been removed."""
    try:
        return os.getcwdb()
    except FileNotFoundError:
        raise ClientError("the current directory has been removed; go to another one") from None
