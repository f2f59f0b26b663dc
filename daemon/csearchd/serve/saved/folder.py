"""A folder of symbolic links, in the order of what they lead to.

Only links that are called as csearch calls them are changed: whatever else somebody has put there
stays. Links are added and renamed before others are removed, so that the folder is never empty, and
where the disk is full, or nothing may be written, the old ones stay.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from csearch.protocol.private_directory import make_directories
from csearchd.serve.saved import links
from csearchd.serve.saved.links import Key

_TEMPORARY = b".csearch-link"  # the name of a link that is about to get another one


def fill(path: bytes, targets: Sequence[bytes]) -> None:
    """Makes the folder at `path`, and its links lead to the targets, in this order. Raises
    OSError."""
    make_directories(path)
    with _opened(path) as folder:
        ours, others = _entries(folder)
        keys: dict[bytes, Key] = {}
        names: dict[bytes, bytes] = {}  # of the first link to a target
        for name, target in sorted(ours.items()):
            key = links.parsed(name, target)
            if names.setdefault(target, name) == name and key:
                keys[target] = key
        wanted = {
            target: _free_name(key, target, others)
            for target, key in links.assigned(targets, keys).items()
        }
        _rename(folder, {names[t]: new for t, new in wanted.items() if names.get(t, new) != new})
        for target, name in wanted.items():
            if target not in names:
                _link(folder, target, name)
        for name in ours.keys() - wanted.values():
            with suppress(FileNotFoundError):  # it was renamed
                os.unlink(name, dir_fd=folder)


def clear(path: bytes) -> bool:
    """Removes the links, and the folder if that leaves it empty. Returns whether it stays. Raises
    OSError."""
    try:
        with _opened(path) as folder:
            for name in _entries(folder)[0]:
                os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    except NotADirectoryError:  # there never were links
        return True
    with suppress(OSError):  # something else is in it
        os.rmdir(path)
    return os.path.lexists(path)


def move(path: bytes, new: bytes) -> None:
    """Renames a folder, unless something is at its new place: then its links are removed. Raises
    OSError."""
    if os.path.lexists(new):
        clear(path)
        return
    with suppress(FileNotFoundError):
        os.rename(path, new)


@contextmanager
def _opened(path: bytes) -> Iterator[int]:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield folder
    finally:
        os.close(folder)


def _entries(folder: int) -> tuple[dict[bytes, bytes], set[bytes]]:
    """The targets of our links by name, and the names of all else."""
    ours: dict[bytes, bytes] = {}
    others: set[bytes] = set()
    for name in map(os.fsencode, os.listdir(folder)):
        try:
            target = os.readlink(name, dir_fd=folder)
        except OSError:  # it is no link, or has gone
            target = b""
        if target and (name == _TEMPORARY or links.parsed(name, target)):
            ours[name] = target
        else:
            others.add(name)
    return ours, others


def _free_name(key: Key, target: bytes, others: set[bytes]) -> bytes:
    """What a link is called: with another key where something else has its name."""
    while (name := links.name(key, target)) in others:
        key = key.after()
    return name


def _rename(folder: int, names: dict[bytes, bytes]) -> None:
    """Gives links other names, which may be those of links that get others, too."""
    left = dict(names)
    while left:
        ready = [old for old, new in left.items() if new not in left]
        if not ready:  # each waits for another one
            old, new = left.popitem()
            os.rename(old, _TEMPORARY, src_dir_fd=folder, dst_dir_fd=folder)
            left[_TEMPORARY] = new
        for old in ready:
            os.rename(old, left.pop(old), src_dir_fd=folder, dst_dir_fd=folder)


def _link(folder: int, target: bytes, name: bytes) -> None:
    """Makes a link, in the place of one of ours if that has its name."""
    try:
        os.symlink(target, name, dir_fd=folder)
    except FileExistsError:
        with suppress(FileNotFoundError):
            os.unlink(_TEMPORARY, dir_fd=folder)
        os.symlink(target, _TEMPORARY, dir_fd=folder)
        os.rename(_TEMPORARY, name, src_dir_fd=folder, dst_dir_fd=folder)
