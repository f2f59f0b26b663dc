"""How desktops show a picture: by its URI, its name and its place."""

from __future__ import annotations

import os
from urllib.parse import unquote_to_bytes

from csearchd.desktop.values import text

ICON = "image-x-generic"  # where there is no thumbnail (Icon Naming Specification)

SAVED, SAVED_ICON = "Saved Searches", "folder-saved-search"
"""What is said below the name of a saved search, as the window's catalogues have it."""


def from_uri(identifier: str) -> bytes | None:
    """Returns the path in a URI of csearchd.previews.desktop_thumbnails, or None if it is no such
    URI."""
    if not identifier.startswith("file:///"):
        return None
    path = unquote_to_bytes(identifier[len("file://") :])
    return None if b"\0" in path else path


def name(path: bytes) -> str:
    return text(os.fsdecode(os.path.basename(path)))


def subtitle(path: bytes, line: str) -> str:
    """Returns the line of words in a picture that was looked for, or else its place."""
    return text(f"“{line}”") if line else place(path)


def place(path: bytes) -> str:
    """Returns the directory as text, with ~ for the user's home."""
    directory = os.path.dirname(path)
    home = os.path.expanduser(b"~")
    if directory == home or directory.startswith(home + b"/"):
        directory = b"~" + directory[len(home) :]
    return text(os.fsdecode(directory))
