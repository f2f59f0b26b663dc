"""Files in the cache that are derived from the database, and the tokens that tell whether they are
current.

A file and the database hold the same token, which is replaced whenever the tables of changes
(`changed_vectors` and `changed_files`) are emptied. A file with the database's token therefore
differs from the database only by the changes in these tables. A file with another token belongs to
another library or state, and is created again.

Each file has checksums, which are verified before it is used. A damaged one is created again, and
`Cache.damaged` tells of it.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import stat
import struct
import threading
import zlib
from collections.abc import Collection

from csearchd.errors import ReasonedError
from csearchd.reasons import Reason, from_system
from csearchd.reasons import library as reasons

log = logging.getLogger(__name__)

_TRAILER = struct.Struct("<8sI")  # after the data of a file: _MAGIC, and the data's CRC-32
_MAGIC = b"csearch\1"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW


class _DamagedError(ReasonedError):
    """The file isn't what was written."""


class Cache:
    """The directory of such files. All threads may use it."""

    def __init__(self, directory: str | None) -> None:
        """Without a `directory`, nothing is kept."""
        self.directory = directory
        self.damaged: list[Reason] = []  # remarks for the user
        self._lock = threading.Lock()

    def path(self, name: str) -> str | None:
        """The path of the file or directory `name`; None without a directory."""
        return self.directory and os.path.join(self.directory, name)

    def report(self, path: str, details: Reason) -> None:
        """Logs that the file or directory at `path` was damaged, and adds it to `damaged`."""
        remark = reasons.REMADE(path=path, details=details)
        log.warning("%s", remark)
        with self._lock:
            if remark not in self.damaged:
                self.damaged.append(remark)

    def read(self, name: str) -> bytes | None:
        """The data that `write` wrote; None if it is missing or damaged."""
        path = self.path(name)
        if path is None:
            return None
        try:
            return _read_verified(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.report(path, from_system(error, advised=False))
        except _DamagedError as error:
            self.report(path, error.reason)
        return None

    def write(self, name: str, data: bytes) -> None:
        """Writes `data` to the file `name` atomically. A failure is logged: it only slows down the
        next start."""
        path = self.path(name)
        if path is None:
            return
        new = f"{path}.new"
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with self._lock, open(os.open(new, _CREATE, 0o600), "wb") as file:
                file.write(data + _TRAILER.pack(_MAGIC, zlib.crc32(data)))
                file.flush()
                os.replace(new, path)
        except OSError as error:
            log.warning("%s cannot be written: %s", path, error.strerror)


def _read_verified(path: str) -> bytes:
    """The data of the file at `path`. Raises OSError, or _DamagedError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _DamagedError(reasons.NOT_A_FILE())
        whole = file.read()
    data, trailer = whole[: -_TRAILER.size], whole[-_TRAILER.size :]
    if trailer != _TRAILER.pack(_MAGIC, zlib.crc32(data)):
        raise _DamagedError(reasons.WRONG_CHECKSUM())
    return data


def new_token() -> str:
    return secrets.token_hex(16)


def token(database: sqlite3.Connection, name: str) -> str | None:
    """The database's token of the file `name`."""
    row = database.execute("SELECT token FROM derived WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def set_token(database: sqlite3.Connection, name: str, value: str) -> None:
    database.execute("INSERT OR REPLACE INTO derived VALUES (?, ?)", (name, value))


def delete_other_tokens(database: sqlite3.Connection, pattern: str, names: Collection[str]) -> None:
    """Deletes the tokens of files that are LIKE `pattern`, except those of `names`."""
    database.execute(
        f"DELETE FROM derived WHERE name LIKE ? AND name NOT IN ({','.join('?' * len(names))})",
        (pattern, *names),
    )


def boot_id() -> str:
    """An id of the current boot (random(4)): data written in the same boot can't have been lost."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def write_all(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    """Writes all of `data` at `offset` with pwrite(2). Raises OSError."""
    data = memoryview(data)
    if not data.nbytes:
        return  # an empty view can't be cast
    data = data.cast("B")
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
