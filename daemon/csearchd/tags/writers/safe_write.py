"""Replaces, creates and removes a user's file: as a whole or not at all.

The new content is written to a temporary file in the same directory. That file gets the mode,
owner, times, ACL and extended attributes of the old one, is synced to the disk and takes its name
in one step. The old file stays as it is if it has changed meanwhile or another program is writing
to it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import secrets
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from csearchd.errors import SkippedFile
from csearchd.tags.record import skipped_by
from csearchd.tags.writers.open_file import OpenFile, open_directory

TEMPORARY = b".csearch-tags-"  # then eight hexadecimal digits
_TEMPORARIES = re.compile(re.escape(TEMPORARY) + b"[0-9a-f]{8}")
_WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_NOREPLACE, _EXCHANGE = 1, 2  # renameat2(2)
_FUSE = 0x65735546  # FUSE_SUPER_MAGIC of statfs(2)
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTTY, errno.EOPNOTSUPP)


def replace(file: OpenFile, data: bytes) -> None:
    """Gives a file other content. Raises SkippedFile if it can't keep all else, or has changed."""
    if not file.info.st_mode & _WRITE_BITS:
        raise SkippedFile("it is read-only")
    if file.info.st_nlink > 1:
        raise SkippedFile("it has several names (hard links), which rewriting would separate")
    try:
        with _temporary(file.directory) as (name, temporary), _lease(file.fd) as is_contended:
            _write(temporary, data)
            _carry_over(file, temporary)
            os.fsync(temporary)
            if is_contended() or not file.is_unchanged():
                raise SkippedFile("it changed meanwhile", is_transient=True)
            if not _rename(file.directory, name, file.name, _EXCHANGE):
                os.rename(name, file.name, src_dir_fd=file.directory, dst_dir_fd=file.directory)
                return
            # What had the file's name until this moment has the temporary one: is it that file?
            before = os.stat(name, dir_fd=file.directory, follow_symlinks=False)
            if is_contended() or not file.has_content_of(before):
                _put_back(file, name, os.fstat(temporary).st_ino)
                raise SkippedFile("it changed meanwhile", is_transient=True)
    except OSError as error:
        raise skipped_by(error) from error


def _put_back(file: OpenFile, name: bytes, ours: int) -> None:
    """Undoes an exchange of names: the file's name gets what others gave it last.

    `ours` is the inode with our change, which had the file's name for a moment. Others may give the
    name away again while this goes on, so it is repeated until what comes back is known.
    """
    older, newest = {ours}, os.stat(name, dir_fd=file.directory, follow_symlinks=False).st_ino
    while True:
        _rename(file.directory, name, file.name, _EXCHANGE)
        found = os.stat(name, dir_fd=file.directory, follow_symlinks=False).st_ino
        if found in older:
            return
        older.add(newest)
        newest = found


def create(directory: int, target: bytes, data: bytes, mode: int) -> None:
    """Creates a file `target` in a directory, given as a descriptor.

    Raises SkippedFile, also if there is such a file already.
    """
    try:
        with _temporary(directory) as (name, temporary):
            with suppress(OSError):  # FAT has no modes
                os.fchmod(temporary, mode)
            _write(temporary, data)
            os.fsync(temporary)
            if not _rename(directory, name, target, _NOREPLACE):
                _take_name(directory, name, target)
    except FileExistsError:
        raise SkippedFile("another program made its sidecar meanwhile", is_transient=True) from None
    except OSError as error:
        raise skipped_by(error) from error


def _take_name(directory: int, name: bytes, target: bytes) -> None:
    """Renames without replacing anything, where renameat2(2) can't do that. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    os.close(os.open(target, flags, 0o600, dir_fd=directory))  # reserves the name
    try:
        os.rename(name, target, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        os.unlink(target, dir_fd=directory)
        raise


def remove(file: OpenFile) -> None:
    """Removes a file unless it has changed since it was opened. Raises SkippedFile."""
    try:
        with _lease(file.fd) as is_contended:
            if is_contended() or not file.is_unchanged():
                raise SkippedFile("it changed meanwhile", is_transient=True)
            os.unlink(file.name, dir_fd=file.directory)
    except OSError as error:
        raise skipped_by(error) from error


def sweep(directory: bytes, top: bytes = b"/") -> None:
    """Removes temporary files that a killed tagger has left. No other tagger may be running."""
    try:
        descriptor = open_directory(directory, top)
    except (OSError, SkippedFile):
        return  # it has gone or may not be read: then nothing of ours is there
    try:
        for name in os.listdir(descriptor):
            if _TEMPORARIES.fullmatch(os.fsencode(name)):
                os.unlink(name, dir_fd=descriptor)
    except OSError:
        pass  # then nothing could be written there either
    finally:
        os.close(descriptor)


@contextmanager
def _temporary(directory: int) -> Iterator[tuple[bytes, int]]:
    """Yields the name and descriptor of a new file, readable by the owner, and removes it again."""
    name = TEMPORARY + secrets.token_hex(4).encode()
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600, dir_fd=directory)
    try:
        yield name, descriptor
    finally:
        os.close(descriptor)
        try:
            os.unlink(name, dir_fd=directory)
        except FileNotFoundError:
            pass


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _carry_over(file: OpenFile, temporary: int) -> None:
    """Gives a temporary file the owner, mode, times and attributes of another.

    Raises SkippedFile if the file system doesn't keep one of them.
    """
    info = file.info
    made = os.fstat(temporary)
    try:
        if (made.st_uid, made.st_gid) != (info.st_uid, info.st_gid):
            os.fchown(temporary, info.st_uid, info.st_gid)
        if os.fstat(temporary).st_mode != info.st_mode:  # FAT has one mode for all files
            os.fchmod(temporary, stat.S_IMODE(info.st_mode))
        wanted = attributes(file.fd)
        for name in attributes(temporary).keys() - wanted.keys():
            os.removexattr(temporary, name)
        for name, value in wanted.items():
            if attributes(temporary).get(name) != value:
                os.setxattr(temporary, name, value)
        os.utime(temporary, ns=(info.st_atime_ns, info.st_mtime_ns))
    except OSError as error:
        raise skipped_by(error, "its owner or attributes can't be kept") from error
    made = os.fstat(temporary)
    kept = (made.st_mode, made.st_uid, made.st_gid, made.st_mtime_ns, attributes(temporary))
    if kept != (info.st_mode, info.st_uid, info.st_gid, info.st_mtime_ns, wanted):
        raise SkippedFile("its owner, mode, times or attributes can't be kept here")


def attributes(descriptor: int) -> dict[str, bytes]:
    """A file's extended attributes, which include its ACLs, by name."""
    try:
        return {name: os.getxattr(descriptor, name) for name in os.listxattr(descriptor)}
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return {}
        raise


@contextmanager
def _lease(descriptor: int) -> Iterator[_LeaseBreak]:
    """Takes a read lease (fcntl(2)), which tells when another program begins to write to the file.

    Yields whether one waits to do so. Raises SkippedFile if one is writing already.
    """
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            held = True
        except OSError as error:
            if error.errno == errno.EAGAIN:
                raise SkippedFile("another program is writing to it", is_transient=True) from error
            held = False  # no leases on this file system, or on another user's file
        try:
            yield _LeaseBreak(descriptor, held)
        finally:
            if held:
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    finally:
        signal.signal(signal.SIGIO, before)


class _LeaseBreak:
    """Tells whether another program waits for the end of a lease, to write to the file."""

    def __init__(self, descriptor: int, held: bool) -> None:
        self._descriptor = descriptor
        self._held = held

    def __call__(self) -> bool:
        if not self._held:
            return False
        return fcntl.fcntl(self._descriptor, fcntl.F_GETLEASE) != fcntl.F_RDLCK


def _rename(directory: int, old: bytes, new: bytes, flags: int) -> bool:
    """renameat2(2); False if the file system doesn't support the flags. Raises OSError.

    Programs behind FUSE are not asked: some ignore the flags, and exfat-fuse 1.4.0 with libfuse
    3.17 ends at _EXCHANGE, which takes the mount away.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    status = (ctypes.c_long * 64)()  # statfs(2); the first is f_type
    if libc.fstatfs(directory, status) != 0 or status[0] == _FUSE:
        return False
    if libc.renameat2(directory, old, directory, new, flags) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number))
