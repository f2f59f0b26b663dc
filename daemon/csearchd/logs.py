"""The log on stderr: its format, with escapes for what could control a terminal, and its size."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import stat
import sys
import threading

from csearch.protocol.quoting import harmless

_STDERR = 2
_MAX_BYTES = 2_500_000  # of the log's file; as many of older lines are kept beside it
_OLDER = ".1"  # the suffix of their file


class _Formatter(logging.Formatter):
    """Escapes control characters, since file names that others have chosen are in the log."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return harmless(super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        return harmless(super().formatException(ei), kept="\n\t")  # type: ignore[arg-type]


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to stderr, and keeps the file small that it goes to."""

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        limit_log()


def log_to_stderr(level: str, form: str) -> None:
    """Logs messages of at least `level` to stderr, in the format `form`."""
    handler = _Handler(sys.stderr)
    handler.setFormatter(_Formatter(form, "%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler])


_path: list[str] = []  # of the log's file
_lock = threading.Lock()  # while it is made smaller


def keep_small(path: str) -> None:
    """Lets `limit_log` limit the size of the file at `path`, if stderr goes there."""
    _path[:] = [path]


def limit_log() -> None:
    """Moves the log's lines to a file beside it if they have become many; that loses older ones.

    The file stays the same, since other processes write to it, too. Ignores errors.
    """
    with _lock, contextlib.suppress(OSError):
        info = os.fstat(_STDERR)
        if not _path or info.st_size <= _MAX_BYTES or not stat.S_ISREG(info.st_mode):
            return
        if not os.path.samestat(info, os.lstat(_path[0])):
            return  # the user has chosen another file
        flags = fcntl.fcntl(_STDERR, fcntl.F_GETFL)
        fcntl.fcntl(_STDERR, fcntl.F_SETFL, flags | os.O_APPEND)
        try:
            _keep_last(_path[0], info.st_size)
        finally:
            os.ftruncate(_STDERR, 0)


def _keep_last(path: str, size: int) -> None:
    """Copies the last lines of the log, of `size` bytes, to the file beside it. Raises OSError."""
    with open(path, "rb", buffering=0) as log:
        log.seek(max(0, size - _MAX_BYTES))
        lines = log.read(_MAX_BYTES)
    older = path + _OLDER
    try:
        with open(os.open(older, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.truncate()
            file.write(lines)
    except OSError:  # the disk is full: half a file is of less use than the room
        os.unlink(older)
        raise
