"""Metadata of a picture outside of its file's content: its sidecars, extended attributes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from csearchd.errors import UnreadableError
from csearchd.formats.parsing import MAX_XMP_BYTES
from csearchd.formats.suffixes import sidecar_names
from csearchd.metadata import fields, picasa
from csearchd.metadata.takeout import content
from csearchd.metadata.takeout.names import takeout_names
from csearchd.metadata.texts import charsets
from csearchd.metadata.texts.keywords import keywords
from csearchd.metadata.xmp import from_xmp
from csearchd.system.files import open_file, read_file


def from_sidecars(picture: bytes, directory: int) -> list[dict[str, Any]]:
    """The records (csearchd.metadata.record) of a picture's sidecars, the most important first.

    `picture` is the name of its file, `directory` a descriptor of the directory. Of XMP, the
    first that can be read counts, in the order of csearchd.formats.suffixes.sidecar_names; of
    Takeout's, the first that says something, in that of csearchd.metadata.takeout.names. Picasa's
    tells of all pictures of the directory.
    """
    xmp = map(from_xmp, _contents(sidecar_names(picture), directory, MAX_XMP_BYTES))
    found = []
    if record := next(xmp, None):
        dates = [date._replace(source="sidecar") for date in record.get("dates", ())]
        found.append(fields.known({**record, "dates": dates}))
    files = _contents(takeout_names(picture), directory, content.MAX_BYTES)
    records = (content.from_takeout(json, picture) for json in files)
    if record := next(filter(None, records), None):
        found.append(record)
    files = _contents(picasa.NAMES, directory, picasa.MAX_BYTES)
    records = (picasa.from_picasa(ini, os.fsdecode(picture)) for ini in files)
    if record := next(filter(None, records), None):
        found.append(record)
    return found


def _contents(names: Iterable[bytes], directory: int, limit: int) -> Iterator[bytes]:
    """The contents of those of some files that can be read."""
    for name in names:
        try:
            yield read_file(*open_file(name, limit, directory))
        except UnreadableError:
            continue


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
            "keywords": keywords((tags, "/")),
            "description": fields.tidy(comment or "", fields.MAX_DESCRIPTION),
            "rating": int(stars) // 2 if stars in _HALF_STARS else None,
        }
    )


_HALF_STARS = frozenset(str(number) for number in range(11))


def _attribute(descriptor: int, name: str) -> str | None:
    try:
        return charsets.decoded(os.getxattr(descriptor, name))
    except OSError:  # there is none, or the file system has none at all
        return None
