"""Folders of results, which clients make in the runtime directory and the service removes."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from csearch.protocol.wire import RESULTS, AddressError, runtime_directory

_KEPT_SECONDS = 86400.0


def remove_old() -> None:
    """Removes folders that are older than a day and hold nothing but links."""
    with suppress(OSError, AddressError):
        with os.scandir(os.path.join(runtime_directory(), RESULTS)) as folders:
            old = [folder.path for folder in folders if _is_old(folder)]
        for folder in old:
            with suppress(OSError):
                _remove(folder)


def _is_old(folder: os.DirEntry[bytes]) -> bool:
    if not folder.is_dir(follow_symlinks=False):
        return False
    return folder.stat(follow_symlinks=False).st_mtime < time.time() - _KEPT_SECONDS


def _remove(folder: bytes) -> None:
    with os.scandir(folder) as entries:
        links = [entry.path for entry in entries if entry.is_symlink()]
    for link in links:
        os.unlink(link)
    os.rmdir(folder)
