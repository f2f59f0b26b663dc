"""Promise 1: a file is replaced as a whole, or not at all, and loses nothing that it had.

The new content goes to a temporary file beside it, which gets mode, owner, times, ACL and extended
attributes, is synced and takes the name in one step. If the file changed meanwhile, or somebody is
writing to it, nothing happens.
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
from csearchd.tags.writers.beneath import open_directory

TEMPORARY = b".csearch-tags-"  # then eight hexadecimal digits
_TEMPORARIES = re.compile(re.escape(TEMPORARY) + b"[0-9a-f]{8}")
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_NOREPLACE, _EXCHANGE = 1, 2  # renameat2(2)
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTTY, errno.EOPNOTSUPP)


class OpenFile:
    """A regular file that was read, and the directory that it is in, which may be renamed."""

    def __init__(self, path: bytes, top: bytes = b"/", directory: int | None = None) -> None:
        """No symbolic link is followed below `top`; `directory` is a descriptor of where the file
        is, if there is one already. Raises SkippedFile, FileNotFoundError, NotADirectoryError."""
        self.path = path
        above, self.name = os.path.split(path)
        self.fd = self.directory = -1
        try:
            self.directory = open_directory(above, top) if directory is None else os.dup(directory)
            if not stat.S_ISREG(os.lstat(self.name, dir_fd=self.directory).st_mode):
                raise SkippedFile("it is not a regular file")
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            self.fd = os.open(self.name, flags, dir_fd=self.directory)
            self.info = os.fstat(self.fd)
            if not stat.S_ISREG(self.info.st_mode):
                raise SkippedFile("it is not a regular file")
        except OSError as error:
            self.close()
            if isinstance(error, (FileNotFoundError, NotADirectoryError)):
                raise
            raise skipped_by(error) from error
        except SkippedFile:
            self.close()
            raise

    def read(self, max_bytes: int) -> bytes:
        """The whole content. Raises SkippedFile."""
        if self.info.st_size > max_bytes:
            raise SkippedFile(
                f"it has {self.info.st_size} bytes, more than the limit of {max_bytes}"
            )
        try:
            os.lseek(self.fd, 0, os.SEEK_SET)
            with open(self.fd, "rb", closefd=False) as stream:
                data = stream.read(max_bytes + 1)
        except OSError as error:
            raise skipped_by(error) from error
        if len(data) != self.info.st_size or not self.is_unchanged():
            raise SkippedFile("it changed while it was read", is_transient=True)
        return data

    def is_unchanged(self) -> bool:
        """Whether the name still means this file, with the same content."""
        try:
            now = os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
        except OSError:
            return False
        return _version(now) == _version(self.info) and now.st_ctime_ns == self.info.st_ctime_ns

    def is_there(self) -> bool:
        """Whether the name still means this file."""
        try:
            now = os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
        except OSError:
            return False
        return (now.st_dev, now.st_ino) == (self.info.st_dev, self.info.st_ino)

    def close(self) -> None:
        for descriptor in (self.fd, self.directory):
            if descriptor >= 0:
                os.close(descriptor)
        self.fd = self.directory = -1


def replace(file: OpenFile, data: bytes) -> None:
    """Gives the file another content. Raises SkippedFile."""
    if not file.info.st_mode & _WRITABLE:
        raise SkippedFile("it is read-only")
    if file.info.st_nlink > 1:
        raise SkippedFile("it has several names (hard links), which rewriting would part")
    try:
        with _temporary(file.directory) as (name, temporary), _lease(file.fd) as is_wanted:
            _write(temporary, data)
            _carry_over(file, temporary)
            os.fsync(temporary)
            if is_wanted() or not file.is_unchanged():
                raise SkippedFile("it changed meanwhile", is_transient=True)
            if not _rename(file.directory, name, file.name, _EXCHANGE):
                os.rename(name, file.name, src_dir_fd=file.directory, dst_dir_fd=file.directory)
                return
            # What was there until this moment is now at the temporary name: was it that file?
            before = os.stat(name, dir_fd=file.directory, follow_symlinks=False)
            if is_wanted() or _version(before) != _version(file.info):
                _put_back(file, name, os.fstat(temporary).st_ino)
                raise SkippedFile("it changed meanwhile", is_transient=True)
    except OSError as error:
        raise skipped_by(error) from error


def _put_back(file: OpenFile, name: bytes, ours: int) -> None:
    """Exchanges again, until what others put at the file's name last is there.

    `ours` is the inode of our change, which was there for a moment, in place of what is at the
    temporary name now.
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
    """Makes a file that isn't there, with the given mode. Raises SkippedFile.

    `directory` is a descriptor of where it is to be.
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
    """Renames where the kernel can't be told to replace nothing. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    os.close(os.open(target, flags, 0o600, dir_fd=directory))  # nobody else can make it now
    try:
        os.rename(name, target, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        os.unlink(target, dir_fd=directory)
        raise


def remove(file: OpenFile) -> None:
    """Removes a file that was read, unless it has changed. Raises SkippedFile."""
    try:
        with _lease(file.fd) as is_wanted:
            if is_wanted() or not file.is_unchanged():
                raise SkippedFile("it changed meanwhile", is_transient=True)
            os.unlink(file.name, dir_fd=file.directory)
    except OSError as error:
        raise skipped_by(error) from error


def sweep(directory: bytes, top: bytes = b"/") -> None:
    """Removes the temporary files that a killed tagger has left; no other one must be at work."""
    try:
        descriptor = open_directory(directory, top)
    except (OSError, SkippedFile):
        return  # it is gone, closed, or another one: nothing of ours can be there
    try:
        for name in os.listdir(descriptor):
            if _TEMPORARIES.fullmatch(os.fsencode(name)):
                os.unlink(name, dir_fd=descriptor)
    except OSError:
        pass  # nothing can be written there either
    finally:
        os.close(descriptor)


@contextmanager
def _temporary(directory: int) -> Iterator[tuple[bytes, int]]:
    """The name and descriptor of a new file that only the owner can read; gone at the end."""
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
    """Raises SkippedFile where anything can't be kept."""
    info = file.info
    made = os.fstat(temporary)
    try:
        if (made.st_uid, made.st_gid) != (info.st_uid, info.st_gid):
            os.fchown(temporary, info.st_uid, info.st_gid)
        if os.fstat(temporary).st_mode != info.st_mode:  # on FAT all files have the same
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
    """The extended attributes, ACLs among them."""
    try:
        return {name: os.getxattr(descriptor, name) for name in os.listxattr(descriptor)}
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return {}
        raise


@contextmanager
def _lease(descriptor: int) -> Iterator[_Wanted]:
    """While it lasts nobody can begin to write to the file without our noticing (fcntl(2)).

    Raises SkippedFile where somebody is writing already.
    """
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            held = True
        except OSError as error:
            if error.errno == errno.EAGAIN:
                raise SkippedFile("another program is writing to it", is_transient=True) from error
            held = False  # a file system without leases, or a file of somebody else's
        try:
            yield _Wanted(descriptor, held)
        finally:
            if held:
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    finally:
        signal.signal(signal.SIGIO, before)


class _Wanted:
    """Whether somebody waits for the lease to end, to write to the file."""

    def __init__(self, descriptor: int, held: bool) -> None:
        self._descriptor = descriptor
        self._held = held

    def __call__(self) -> bool:
        if not self._held:
            return False
        return fcntl.fcntl(self._descriptor, fcntl.F_GETLEASE) != fcntl.F_RDLCK


def _rename(directory: int, old: bytes, new: bytes, flags: int) -> bool:
    """renameat2(2); False where the file system can't. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(directory, old, directory, new, flags) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number))


def _version(info: os.stat_result) -> tuple[int, int, int, int]:
    """What an edit changes; a rename changes ctime too."""
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns
