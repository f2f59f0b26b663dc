"""Files that keep the directory that they are in out of the library."""

from __future__ import annotations

import sys
from collections.abc import Collection

from csearchd.errors import UnreadableError
from csearchd.system.files import open_file
from csearchd.watch.exclusion.other_programs import IMMICH_MARK, PHOTOPRISM_MARK, is_for_copies

NOSEARCH = b".nosearch"
CACHEDIR_TAG = b"CACHEDIR.TAG"
NOMEDIA = b".nomedia"  # of Android, whose galleries leave out what is in and below its directory
MARKS = frozenset((NOSEARCH, CACHEDIR_TAG, NOMEDIA, IMMICH_MARK, PHOTOPRISM_MARK))
_CACHEDIR_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"  # https://bford.info/cachedir/


def is_marked(directory: int, path: bytes, names: Collection[bytes], is_asked: bool) -> bool:
    """Whether an open directory with the entries `names` is excluded by one of them.

    If it `is_asked` for, only .nosearch and CACHEDIR.TAG exclude it.
    """
    if NOSEARCH in names or (CACHEDIR_TAG in names and _is_cache(directory)):
        return True
    return not is_asked and (NOMEDIA in names or is_for_copies(path, names))


def _is_cache(directory: int) -> bool:
    try:  # open_file takes regular files only: opening a pipe would block
        descriptor, _ = open_file(CACHEDIR_TAG, sys.maxsize, directory)
        with open(descriptor, "rb") as tag:
            return tag.read(len(_CACHEDIR_SIGNATURE)) == _CACHEDIR_SIGNATURE
    except (UnreadableError, OSError):
        return False
