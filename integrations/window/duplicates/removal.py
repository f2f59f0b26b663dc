"""Moves what is marked to the trash, as long as the disk has what was compared."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from selection import trash
from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from background import Workers
    from duplicates.groups import File, Group
    from selection.trash import Done


def move(groups: Sequence[Group], workers: Workers, done: Callable[[Done], object]) -> None:
    """Moves the unwanted of some groups; calls `done` later. What has changed since it was compared
    stays, and so does all of a group in which nothing that was to be kept is as it was."""
    wanted = {file.path: (file, group.kept) for group in groups for file in group.unwanted}
    trash.move(list(wanted), workers, done, lambda path: _check(*wanted[path]))


def _check(file: File, kept: Sequence[File]) -> None:
    """Raises OSError where a file is to be left alone."""
    found = _unchanged(file)
    if found is None:
        raise OSError(None, _("It has changed since it was compared, and was left alone."))
    others = (_unchanged(other) for other in kept)
    # Under another path it may be the same file still, which isn't there twice then.
    if not any(
        other and (found.st_nlink > 1 or not os.path.samestat(found, other)) for other in others
    ):
        raise OSError(None, _("What was to be kept has changed or gone, so it was left alone."))


def _unchanged(file: File) -> os.stat_result | None:
    """A file's status; None where it isn't the one that was compared."""
    try:
        found = os.lstat(file.path)
    except OSError:
        return None
    return found if (found.st_size, found.st_mtime_ns) == file.version else None
