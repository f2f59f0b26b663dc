"""--folder: a folder of symbolic links to the results, which the file manager opens.

It is in the runtime directory, which the system removes at the end of the session. The service
removes folders older than a day.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from csearch.command import print_err, print_out
from csearch.protocol.errors import ClientError
from csearch.protocol.private_directory import make_directories, make_private
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words
from csearch.protocol.wire import RESULTS, AddressError, Message, runtime_directory
from csearch.show.terminal import Terminal

_NAME_BYTES = 100
_FILE_BYTES = 255  # NAME_MAX


class ResultFolder:
    """A folder that is filled under a temporary name, and then replaces an older one."""

    def __init__(self, query: str, top: int) -> None:
        """Raises ClientError."""
        self._digits = len(str(min(top, 9999)))
        self._count = 0
        try:
            above = os.path.join(runtime_directory(), RESULTS)
            self.path = os.path.join(above, _folder_name(query))
            self._new = os.path.join(above, b".new-%d" % os.getpid())
            make_private(runtime_directory())
            remove(self._new)  # left by a killed process with the same number
            make_directories(self._new)
        except AddressError as error:
            raise ClientError(str(error)) from error
        except OSError as error:
            raise _failed(error) from error

    def add(self, hits: Iterable[Message]) -> bytes:
        """Adds links; returns b"", since nothing is printed for them. Raises ClientError."""
        try:
            for hit in hits:
                self._count += 1
                rank = b"%0*d " % (self._digits, self._count)
                name = _cut(os.path.basename(hit["path"]), _FILE_BYTES - len(rank))
                os.symlink(hit["path"], os.path.join(self._new, rank + name))
        except OSError as error:
            raise _failed(error) from error
        return b""

    def show(self) -> None:
        """Prints the folder's path and opens it on a desktop. Does nothing if it is empty.

        Raises ClientError.
        """
        try:
            if not self._count:
                os.rmdir(self._new)
                return
            remove(self.path)
            os.rename(self._new, self.path)
        except OSError as error:
            raise _failed(error) from error
        print_out(printable(self.path) if Terminal(1).interactive else os.fsdecode(self.path))
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            _open(self.path)


def remove(folder: bytes) -> None:
    """Removes the folder, which has nothing but links in it. Raises OSError."""
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if entry.is_symlink():
                os.unlink(entry.path)
    os.rmdir(folder)


def _open(folder: bytes) -> None:
    from csearch.desktop_open import open_path

    try:
        open_path(folder)
    except ClientError as error:
        print_err(f"csearch: {error}")


def _folder_name(query: str) -> bytes:
    """The query as a file name that is short enough to be shown as a whole."""
    words = "".join(" " if c == "/" or not c.isprintable() else c for c in query).split()
    encoded = os.fsencode(" ".join(words).lstrip(". "))
    return encoded[:_NAME_BYTES].decode(errors="ignore").strip().encode() or b"pictures"


def _cut(name: bytes, size: int) -> bytes:
    """`name`, shortened to `size` bytes with the same suffix."""
    if len(name) <= size:
        return name
    stem, suffix = os.path.splitext(name)
    return stem[: size - len(suffix)] + suffix


def _failed(error: OSError) -> ClientError:
    where = printable(error.filename or b"the folder of results")
    return ClientError(f"{where} can't be used for results: {in_words(error)}")
