"""Paths on the command line."""

from __future__ import annotations

import os

from csearch.protocol.errors import ClientError


def absolute(path: str) -> bytes:
    """The absolute path of an argument, as the bytes that were typed. Raises ClientError.

    `..` is kept: the service resolves it, since what it means depends on symbolic links.
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
