"""Directories that are reached without following a symbolic link, from a watched one down."""

from __future__ import annotations

import os

from csearchd.errors import LinkError, SkippedFile
from csearchd.system import files


def open_directory(path: bytes, top: bytes = b"/") -> int:
    """As of csearchd.system.files; raises SkippedFile where a symbolic link is in the way, OSError
    where there is no such directory."""
    try:
        return files.open_directory(path, top)
    except LinkError as error:
        shown = os.fsdecode(error.filename)
        text = f"it changed: the directory {shown} is a symbolic link now"
        raise SkippedFile(text, is_transient=True) from None
