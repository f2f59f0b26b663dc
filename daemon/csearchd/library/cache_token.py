"""Files in the cache that repeat the database: whether they still do, after whatever happened.

A file and the database hold the same token, which is new whenever the notes of changes (the tables
`changed_vectors` and `changed_files`) are cleared. So a file with the database's token is right but
for what is noted, and any other one is of another library or state and is made anew.

What is in a file may have been damaged all the same: each has checksums, which are compared before
it is used. A damaged one is made anew too, and `Cache.damaged` says so.
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

_SEAL = struct.Struct("<8sI")  # behind the data of a file: what it is, and the data's CRC-32
_SEALED = b"csearch\1"
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW


class _DamagedError(ReasonedError):
    """The file isn't what was written."""


class Cache:
    """The directory of such files; None is no directory: nothing is kept. Used by all threads."""

    def __init__(self, directory: str | None) -> None:
        self.directory = directory
        self.damaged: list[Reason] = []  # what was found so, for the user
        self._lock = threading.Lock()

    def path(self, name: str) -> str | None:
        """Where the file or directory called `name` is."""
        return self.directory and os.path.join(self.directory, name)

    def report(self, path: str, details: Reason) -> None:
        """Says that something was damaged and is made anew."""
        remark = reasons.REMADE(path=path, details=details)
        log.warning("%s", remark)
        with self._lock:
            if remark not in self.damaged:
                self.damaged.append(remark)

    def read(self, name: str) -> bytes | None:
        """What `write` wrote; None if it isn't there, or isn't that any more."""
        path = self.path(name)
        if path is None:
            return None
        try:
            return _read_sealed(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.report(path, from_system(error))
        except _DamagedError as error:
            self.report(path, error.reason)
        return None

    def write(self, name: str, data: bytes) -> None:
        """Keeps `data`, whole or not at all. That it can't be costs only the next start's time."""
        path = self.path(name)
        if path is None:
            return
        fresh = f"{path}.new"
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with self._lock, open(os.open(fresh, _FRESH, 0o600), "wb") as file:
                file.write(data + _SEAL.pack(_SEALED, zlib.crc32(data)))
                file.flush()
                os.replace(fresh, path)
        except OSError as error:
            log.warning("%s cannot be written: %s", path, error.strerror)


def _read_sealed(path: str) -> bytes:
    """The data of a file with its checksum. Raises OSError, or _DamagedError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _DamagedError(reasons.NOT_A_FILE())
        whole = file.read()
    data, seal = whole[: -_SEAL.size], whole[-_SEAL.size :]
    if seal != _SEAL.pack(_SEALED, zlib.crc32(data)):
        raise _DamagedError(reasons.WRONG_CHECKSUM())
    return data


def new_token() -> str:
    return secrets.token_hex(16)


def token(database: sqlite3.Connection, name: str) -> str | None:
    """The token of the file called `name`."""
    row = database.execute("SELECT token FROM derived WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def set_token(database: sqlite3.Connection, name: str, value: str) -> None:
    database.execute("INSERT OR REPLACE INTO derived VALUES (?, ?)", (name, value))


def keep_tokens(database: sqlite3.Connection, pattern: str, names: Collection[str]) -> None:
    """Drops the tokens of files whose names are like `pattern` (of SQL), but for `names`."""
    database.execute(
        f"DELETE FROM derived WHERE name LIKE ? AND name NOT IN ({','.join('?' * len(names))})",
        (pattern, *names),
    )


def boot_id() -> str:
    """This boot of the machine: within it, what was written to a file is there (random(4))."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def write_all(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    """pwrite(2), whole. Raises OSError."""
    data = memoryview(data)
    if not data.nbytes:
        return  # which can't be cast
    data = data.cast("B")
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
