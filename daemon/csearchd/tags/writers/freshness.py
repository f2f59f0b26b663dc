"""Checks that a picture is still the one that the library has read and chosen tags for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from csearchd.formats.identity import SCHEME, identity
from csearchd.formats.signatures import signature_format
from csearchd.system.files import signed, stored_time
from csearchd.tags.writers.open_file import OpenFile

_ORIENTATIONS = range(1, 9)


def is_current(picture: OpenFile, scored: dict[str, Any], max_bytes: int) -> bool:
    """Whether an open file shows what the library has read, by its stat or by its identity.

    With the same identity, metadata may have been edited since. `scored` is the field of that name
    in an item (csearchd.requests.tagger). Larger files than `max_bytes` are compared by stat alone.
    Raises SkippedFile if the file can't be read.
    """
    info = picture.info
    times = stored_time(info.st_mtime_ns), stored_time(info.st_ctime_ns)
    if scored["stat"] and [info.st_size, *times, signed(info.st_ino)] == list(scored["stat"]):
        return True
    if scored["scheme"] != SCHEME or info.st_size > max_bytes:
        return False
    data = picture.read(max_bytes)
    return any(one == scored["identity"] for one in _identities(data, scored["orientation"]))


def _identities(data: bytes, likely: int | None) -> Iterator[bytes]:
    """The identities that the file can have, the most likely first.

    An identity depends on the orientation. All are tried, since parsing a picture's metadata is
    left to the encoder process.
    """
    turns = sorted(_ORIENTATIONS, key=lambda turn: turn != (likely or 1))
    for turn in turns:
        for kind in (signature_format(data), None):  # None: camera raw and what has no module
            yield identity(data, kind, turn)
