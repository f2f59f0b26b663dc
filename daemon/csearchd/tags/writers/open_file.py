"""Opens a user's file without following symbolic links, and notices when it changes."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from csearchd.errors import LinkError, SkippedFile
from csearchd.system import directories
from csearchd.tags.record import skipped_by


class OpenFile:
    """A regular file that is open for reading, and its directory.

    Either may be renamed meanwhile. Each use checks that the name still means this file.
    """

    def __init__(self, path: bytes, top: bytes = b"/", directory: int | None = None) -> None:
        """Opens the file at `path`. No symbolic link is followed below `top`.

        `directory` is a descriptor of the file's directory, if there is one already. Raises
        SkippedFile, FileNotFoundError, NotADirectoryError.
        """
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
        """The whole content. Raises SkippedFile if there is more of it, or it changes."""
        if self.info.st_size > max_bytes:
            size = self.info.st_size
            raise SkippedFile(f"it has {size} bytes, more than the limit of {max_bytes}")
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
        return self.has_content_of(now) and now.st_ctime_ns == self.info.st_ctime_ns

    def is_there(self) -> bool:
        """Whether the name still means this file, whatever its content."""
        try:
            now = os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
        except OSError:
            return False
        return (now.st_dev, now.st_ino) == (self.info.st_dev, self.info.st_ino)

    def has_content_of(self, other: os.stat_result) -> bool:
        """Whether `other` is of this file as it was opened. ctime is ignored: a rename sets it."""
        return _version(self.info) == _version(other)

    def close(self) -> None:
        for descriptor in (self.fd, self.directory):
            if descriptor >= 0:
                with suppress(OSError):  # where a program behind the file system has ended
                    os.close(descriptor)
        self.fd = self.directory = -1


def open_directory(path: bytes, top: bytes = b"/") -> int:
    """A descriptor of a directory, reached without following a symbolic link below `top`.

    Raises SkippedFile if a link is in the way, OSError if there is no such directory.
    """
    try:
        return directories.open_directory(path, top)
    except LinkError as error:
        shown = os.fsdecode(error.filename)
        reason = f"it changed: the directory {shown} is a symbolic link now"
        raise SkippedFile(reason, is_transient=True) from None


def _version(info: os.stat_result) -> tuple[int, int, int, int]:
    """What differs after any change of a file's content."""
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns
