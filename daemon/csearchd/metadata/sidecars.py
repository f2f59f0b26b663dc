"""Metadata of a picture outside of its file's content: its XMP sidecar, extended attributes."""

from __future__ import annotations

import os
from typing import Any

from csearchd.errors import UnreadableError
from csearchd.formats.parsing import MAX_XMP_BYTES
from csearchd.formats.suffixes import sidecar_names
from csearchd.metadata import fields
from csearchd.metadata.xmp import from_xmp
from csearchd.system.files import open_file, read_file


def from_sidecar(picture: bytes, directory: int) -> dict[str, Any]:
    """The record (csearchd.metadata.record) of a picture's sidecar; empty without one.

    `picture` is the name of its file, `directory` a descriptor of the directory. The first sidecar
    that can be read counts, in the order of csearchd.formats.suffixes.sidecar_names.
    """
    for name in sidecar_names(picture):
        try:
            return from_xmp(read_file(*open_file(name, MAX_XMP_BYTES, directory)))
        except UnreadableError:
            continue
    return {}


def from_attributes(descriptor: int) -> dict[str, Any]:
    """The record of an open file's extended attributes, as KDE's programs write them.

    Source: https://www.freedesktop.org/wiki/CommonExtendedAttributes/. user.baloo.rating counts
    half stars.
    """
    tags = (_attribute(descriptor, "user.xdg.tags") or "").split(",")
    comment = _attribute(descriptor, "user.xdg.comment")
    stars = _attribute(descriptor, "user.baloo.rating") or ""
    return fields.known(
        {
            "keywords": [keyword for tag in tags for keyword in fields.keyword(tag, "/")],
            "description": fields.tidy(comment or "", fields.MAX_DESCRIPTION),
            "rating": int(stars) // 2 if stars in _HALF_STARS else None,
        }
    )


_HALF_STARS = frozenset(str(number) for number in range(11))


def _attribute(descriptor: int, name: str) -> str | None:
    try:
        return os.getxattr(descriptor, name).decode("utf-8", "replace")
    except OSError:  # there is none, or the file system has none at all
        return None
