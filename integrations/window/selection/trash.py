"""Moves pictures to the trash, and back. Nothing is ever deleted.

https://specifications.freedesktop.org/trash-spec/latest/
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

from gi.repository import Gio, GLib

from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from background import Workers

_PATH = b"Path="


class Done(NamedTuple):
    paths: list[bytes]  # of those that were moved
    failures: list[str]  # what went wrong, by file


def move(
    paths: Sequence[bytes],
    workers: Workers,
    done: Callable[[Done], object],
    check: Callable[[bytes], object] | None = None,
) -> None:
    """Moves files to the trash; calls `done` later. `check(path)` is asked right before each, in
    another thread, and raises OSError where it has to stay."""

    def act(path: bytes) -> None:
        if check:
            check(path)
        _trash(path)

    workers.run(lambda: _each(paths, act), done)


def moved(count: int) -> str:
    """What is said afterwards."""
    text = ngettext("Moved {n} picture to the Trash", "Moved {n} pictures to the Trash", count)
    return text.format(n=number(count))


def restore(paths: Sequence[bytes], workers: Workers, done: Callable[[Done], object]) -> None:
    """Moves files back to where they were; calls `done` later."""
    workers.run(lambda: _each(paths, _restore), done)


def _each(paths: Sequence[bytes], act: Callable[[bytes], object]) -> Done:
    moved: list[bytes] = []
    failures: list[str] = []
    for path in paths:
        try:
            act(path)
            moved.append(path)
        except (OSError, GLib.Error) as error:
            text = error.message if isinstance(error, GLib.Error) else error.strerror or str(error)
            failures.append(f"{_name(path)}: {text}")
    return Done(moved, failures)


def _trash(path: bytes) -> None:
    """Raises GLib.Error."""
    Gio.File.new_for_path(os.fsdecode(path)).trash(None)


def _restore(path: bytes) -> None:
    """Raises OSError, GLib.Error."""
    newest: tuple[float, bytes, bytes] | None = None
    for trash, top in _trashes(path):
        for information, trashed in _of(path, trash, top):
            when = os.stat(information).st_mtime
            if newest is None or when > newest[0]:
                newest = when, information, trashed
    if newest is None:
        raise OSError(None, _("It is not in the trash any more."))
    _when, information, trashed = newest
    # It never takes the place of another file.
    source, target = (Gio.File.new_for_path(os.fsdecode(name)) for name in (trashed, path))
    source.move(target, Gio.FileCopyFlags.NOFOLLOW_SYMLINKS, None, None)
    os.unlink(information)


def _trashes(path: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Directories of trashes where a file may be, and the directory that paths there begin at."""
    yield os.path.join(os.fsencode(GLib.get_user_data_dir()), b"Trash"), b"/"
    top = os.path.realpath(os.path.dirname(path))
    while not os.path.ismount(top):
        top = os.path.dirname(top)
    user = str(os.getuid()).encode()
    yield os.path.join(top, b".Trash", user), top
    yield os.path.join(top, b".Trash-" + user), top


def _of(path: bytes, trash: bytes, top: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The file about each file in a trash that came from `path`, and that file."""
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    names = (path, real, os.path.relpath(real, top))
    known = os.path.join(trash, b"info")
    try:
        found = os.listdir(known)
    except OSError:
        return
    for name in found:
        if not name.endswith(b".trashinfo"):
            continue
        information = os.path.join(known, name)
        try:
            with open(information, "rb") as file:
                lines = file.read(1 << 16).splitlines()
        except OSError:
            continue
        came = [unquote_to_bytes(line[len(_PATH) :]) for line in lines if line.startswith(_PATH)]
        trashed = os.path.join(trash, b"files", name.removesuffix(b".trashinfo"))
        if came and came[0] in names and os.path.lexists(trashed):
            yield information, trashed


def _name(path: bytes) -> str:
    name: str = GLib.filename_display_basename(os.fsdecode(path))
    return name
