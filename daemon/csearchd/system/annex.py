"""Files whose content git-annex keeps inside the repository, as links or pointer files say.

The layout: https://git-annex.branchable.com/internals/, and for the directories of a key
https://git-annex.branchable.com/internals/hashing/.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator

from csearchd.system.directories import open_directory

MAX_POINTER = 1024  # bytes of a pointer file: a key is the name of a file
_OBJECTS = b"/.git/annex/objects/"
_POINTER = b"/annex/objects/"
_LETTERS = b"0123456789zqjxkmvwgpfZQJXKMVWGPF"


def linked_content(directory: bytes, target: bytes) -> bytes | None:
    """The path of the content that a symbolic link in `directory` to `target` means; None unless it
    is that of git-annex in the repository that contains `directory`, the path of a directory
    without links."""
    path = os.path.normpath(os.path.join(directory, target))
    repository, objects, key = path.partition(_OBJECTS)
    if not objects or not key or repository_of(directory) != repository:
        return None
    return path


def repository_of(directory: bytes) -> bytes | None:
    """The path of the git repository that contains `directory`; None if there is none."""
    while directory not in (b"/", b""):
        if os.path.lexists(directory + b"/.git"):
            return directory
        directory = os.path.dirname(directory)
    return None


def pointed_content(repository: bytes, pointer: bytes) -> bytes | None:
    """The path of the content that a pointer file in a repository means, there or not; None if
    `pointer` isn't the content of one."""
    line = pointer.partition(b"\n")[0].removesuffix(b"\r")
    key = line.removeprefix(_POINTER)
    if key == line or not key or b"/" in key or b"\0" in key:
        return None
    paths = [repository + _OBJECTS + above + b"/" + key + b"/" + key for above in _above(key)]
    return next(filter(os.path.lexists, paths), paths[0])


def _above(key: bytes) -> Iterator[bytes]:
    """The directories that a key may be in, below those of the objects."""
    digest = hashlib.md5(key, usedforsecurity=False)
    word = int.from_bytes(digest.digest()[:4], "little")
    letters = [_LETTERS[word >> 6 * place & 31] for place in range(4)]
    yield bytes((letters[1], letters[0])) + b"/" + bytes((letters[3], letters[2]))
    shown = digest.hexdigest().encode()
    yield shown[:3] + b"/" + shown[3:6]


def content_of(name: bytes, descriptor: int, directory: bytes) -> bytes | None:
    """The path of the content, there or not, that git-annex keeps for the file `name` in an open
    directory; None if it doesn't. `directory`: its path, without links. Raises OSError."""
    info = os.lstat(name, dir_fd=descriptor)
    if stat.S_ISLNK(info.st_mode):
        return linked_content(directory, os.readlink(name, dir_fd=descriptor))
    if not stat.S_ISREG(info.st_mode) or not 0 < info.st_size <= MAX_POINTER:
        return None
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(name, flags, dir_fd=descriptor), "rb") as file:
        pointer = file.read(MAX_POINTER)
    if not pointer.startswith(_POINTER) or (repository := repository_of(directory)) is None:
        return None
    return pointed_content(repository, pointer)


def content_stat(path: bytes) -> os.stat_result:
    """lstat(2) of a content, a regular file. Raises OSError."""
    directory = _directory(path)
    try:
        info = os.lstat(os.path.basename(path), dir_fd=directory)
    finally:
        os.close(directory)
    if not stat.S_ISREG(info.st_mode):
        raise FileNotFoundError(path)
    return info


def open_content(path: bytes) -> int:
    """Opens a content for reading, and returns its descriptor. Raises OSError."""
    directory = _directory(path)
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(os.path.basename(path), flags, dir_fd=directory)
    finally:
        os.close(directory)


def _directory(path: bytes) -> int:
    """Opens a content's directory. No link leads out of the repository."""
    return open_directory(os.path.dirname(path), path.partition(_OBJECTS)[0])
