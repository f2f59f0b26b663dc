"""How desktops show a picture: by its URI, name and place; and which ones they may ask for."""

from __future__ import annotations

import os
from urllib.parse import unquote_to_bytes

from csearchd.desktop.values import text
from csearchd.library.library import Library
from csearchd.library.listings import file_at
from csearchd.library.roots import roots

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


def known(library: Library, paths: list[bytes]) -> list[bool]:
    """Whether each is in the library, or below a directory that is watched: anybody on the bus may
    name a path. Raises LibraryError."""
    watched = tuple(os.path.join(root, b"") for root in roots(library))
    return [
        os.path.normpath(path) == path
        and (path.startswith(watched) or file_at(library, path) is not None)
        for path in paths
    ]


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
