"""Reads files of pictures: regular files only, completely, and if they don't change meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from csearchd.errors import UnreadableError
from csearchd.reasons import from_system
from csearchd.reasons import pictures as reasons
from csearchd.system import annex
from csearchd.system.directories import DIRECTORY, check_length

FIRST_NANOSECOND = -5_364_662_400 * 10**9  # of 1800
CODED_TIMES = -9 * 10**18  # times outside of `stored_time`'s nanoseconds are around it
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # of the years 1 and 9999


@dataclass(frozen=True)
class FileStat:
    """Identifies a version of a file; times are in nanoseconds since 1970 (see `stored_time`)."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


def open_parent(path: bytes) -> int:
    """Opens the directory that contains the file at `path`, and returns its descriptor. Raises
    UnreadableError."""
    try:
        check_length(path)
        return os.open(os.path.dirname(path) or b".", os.O_PATH | DIRECTORY)
    except OSError as error:
        raise _unreachable(error) from error


def open_file(path: bytes, max_bytes: int, directory: int | None = None) -> tuple[int, FileStat]:
    """Opens the regular file at `path` for reading. Returns its descriptor and version.

    A relative `path` is in `directory`, a descriptor. Of a file that git-annex keeps elsewhere in
    its repository, the content is opened. Raises UnreadableError, also for a file of more than
    `max_bytes`.
    """
    try:
        # Only regular files are opened: opening a device can have effects.
        info = os.stat(path, dir_fd=directory, follow_symlinks=False)
    except OSError as error:
        raise _unreachable(error) from error
    try:
        if stat.S_ISLNK(info.st_mode) or 0 < info.st_size <= annex.MAX_POINTER:
            content = _content_elsewhere(path, directory)
            if content is not None:
                fd = annex.open_content(content)
                return fd, check_open_file(fd, max_bytes)
        if stat.S_ISLNK(info.st_mode):
            raise UnreadableError(reasons.SYMBOLIC_LINK())
        if not stat.S_ISREG(info.st_mode):
            raise UnreadableError(reasons.NOT_REGULAR())
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(path, flags, dir_fd=directory)
    except OSError as error:
        raise _unreadable(error) from error
    return fd, check_open_file(fd, max_bytes)


def _content_elsewhere(path: bytes, directory: int | None) -> bytes | None:
    """The path of the content that git-annex keeps for a file; None if it doesn't. Raises
    OSError."""
    above = os.open(os.path.dirname(path) or b".", os.O_PATH | DIRECTORY, dir_fd=directory)
    try:
        real = os.readlink(b"/proc/self/fd/%d" % above)
        return annex.content_of(os.path.basename(path), above, real)
    finally:
        os.close(above)


def check_open_file(fd: int, max_bytes: int) -> FileStat:
    """The version of an open file. Raises UnreadableError, and then closes the file, if it is not a
    regular file, is empty, or has more than `max_bytes`."""
    try:
        return _check(os.fstat(fd), max_bytes)
    except BaseException:
        os.close(fd)
        raise


def _check(info: os.stat_result, max_bytes: int) -> FileStat:
    if not stat.S_ISREG(info.st_mode):
        raise UnreadableError(reasons.NOT_REGULAR())
    file = _file_stat(info)
    if file.size == 0:
        raise UnreadableError(reasons.EMPTY(), file=file)
    if file.size > max_bytes:
        size, limit = _megabytes(file.size), _megabytes(max_bytes)
        raise UnreadableError(reasons.FILE_TOO_LARGE(size=size, limit=limit), file=file)
    return file


def read_file(fd: int, file: FileStat) -> bytes:
    """Reads and closes an open file of the version `file`. Raises UnreadableError, also if the file
    has changed."""
    try:
        with open(fd, "rb", buffering=0) as stream:
            parts = []
            left = file.size
            while left > 0 and (part := stream.read(left)):
                parts.append(part)
                left -= len(part)
            after = _file_stat(os.fstat(fd))
    except OSError as error:
        raise _unreadable(error, file) from error
    if left or after != file:
        raise UnreadableError(reasons.CHANGED_MEANWHILE(), changed=True, file=after)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def is_another(file: FileStat, stat: Sequence[int]) -> bool:
    """Whether an open file isn't the one that the library knows by `stat`: size, mtime_ns,
    ctime_ns and inode, all 0 if it doesn't.

    The ctime isn't known after a move, which changes it; the inode doesn't count where it is 0,
    on file systems that don't keep its number.
    """
    size, mtime_ns, ctime_ns, inode = stat
    if not any(stat):
        return False
    if (file.size, file.mtime_ns) != (size, mtime_ns):
        return True
    return file.ctime_ns != ctime_ns if ctime_ns else inode not in (0, file.inode)


def identifying(fd: int) -> tuple[int, int, int, int]:
    """What `is_another` compares of an open file: size, mtime_ns, ctime_ns and inode."""
    file = _file_stat(os.fstat(fd))
    return file.size, file.mtime_ns, file.ctime_ns, file.inode


def _file_stat(info: os.stat_result) -> FileStat:
    return FileStat(
        info.st_size,
        stored_time(info.st_mtime_ns),
        stored_time(info.st_ctime_ns),
        signed(info.st_ino),
    )


def stored_time(nanoseconds: int) -> int:
    """A file's time as 64 bits hold it. Nanoseconds since 1970 overflow them in 2262, but ext4 has
    times until 2446 and others for ever: outside of the years 1800 to 2261, whole seconds, which
    begin at CODED_TIMES."""
    if FIRST_NANOSECOND <= nanoseconds < 1 << 63:
        return nanoseconds
    seconds = min(max(nanoseconds // 10**9, _FIRST_SECOND), _LAST_SECOND)
    return CODED_TIMES + seconds


def seconds_of(stored: int) -> int:
    """The seconds since 1970 of a time from `stored_time`."""
    return stored // 10**9 if stored >= FIRST_NANOSECOND else stored - CODED_TIMES


def signed(number: int) -> int:
    """`number` as a signed 64-bit number: some inode numbers exceed 63 bits."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _unreadable(error: OSError, file: FileStat | None = None) -> UnreadableError:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return UnreadableError(reasons.VANISHED(), changed=True)
    return UnreadableError(reasons.UNREADABLE(reason=from_system(error)), file=file)


def _unreachable(error: OSError) -> UnreadableError:
    """Of the way to a file: the file itself says nothing."""
    if isinstance(error, PermissionError):
        return UnreadableError(reasons.UNREACHABLE(reason=from_system(error)))
    return _unreadable(error)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size < 10e6 else f"{size / 1e6:.0f} MB"
