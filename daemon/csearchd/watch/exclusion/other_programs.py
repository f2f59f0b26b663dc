"""Directories of other programs that hold copies of pictures, told by their names and contents."""

from __future__ import annotations

import re
from collections.abc import Collection

# Libraries of Photos, iPhoto and Aperture: the pictures are in one of these directories, all else
# is made from them.
_LIBRARY = re.compile(rb".+\.(photoslibrary|photolibrary|aplibrary)", re.IGNORECASE | re.DOTALL)
_ORIGINALS = (b"originals", b"masters")

_PREVIEWS = re.compile(rb".+\.lrdata", re.IGNORECASE | re.DOTALL)  # of Lightroom's catalogues

_USER = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # by which Immich names one's
IMMICH_MARK = b".immich"
PHOTOPRISM_MARK = b".ppstorage"


def holds_copies(above: bytes, name: bytes, beside: Collection[bytes]) -> bool:
    """Whether the directory `name` holds copies alone.

    `above` is the path of the directory that it is in, `beside` the names of that one's entries.
    """
    directory = above.rpartition(b"/")[2]
    if _LIBRARY.fullmatch(directory) and name.lower() not in _ORIGINALS:
        return True
    if _PREVIEWS.fullmatch(name):
        return True
    if name == b"thumbnails" and directory == b"cache":  # PhotoPrism's, and others'
        return True
    return name == b"thumbs" and b"encoded-video" in beside  # Immich's


def is_for_copies(path: bytes, names: Collection[bytes]) -> bool:
    """Whether the directory at `path`, with the entries `names`, holds copies alone."""
    if PHOTOPRISM_MARK in names:
        return b"originals" not in names
    is_thumbs = path.endswith(b"/thumbs")
    return is_thumbs and (IMMICH_MARK in names or any(map(_USER.fullmatch, names)))
