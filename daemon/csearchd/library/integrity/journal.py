"""Detects damage to the database's write-ahead log.

SQLite reads the log up to the first damaged frame, and silently ignores the rest. Format:
https://sqlite.org/fileformat2.html#walformat.
"""

from __future__ import annotations

import os
import sqlite3
import struct

_HEAD = struct.Struct(">8I")  # magic, version, page size, checkpoint, two salts, two checksums
_FRAME = struct.Struct(">4I")  # page, size of the database after a commit or 0, two salts
_FRAME_BYTES = 24
_MAGIC = (0x377F0682, 0x377F0683)  # the checksums' integers are little-endian, big-endian
_UNREADABLE = 1 << 30  # a number of frames that SQLite never finds


def committed_frames(path: str) -> int:
    """The number of frames in the log of the database at `path`, up to the last commit.

    Must be called before the database is opened. For a log with a damaged header it is more than
    SQLite ever finds.
    """
    try:
        with open(f"{path}-wal", "rb") as log:
            return _committed(log.read(_HEAD.size), log.fileno())
    except OSError:
        return 0


def _committed(head: bytes, log: int) -> int:
    if len(head) < _HEAD.size:
        return 0
    magic, _, page_size, _, *salts = _HEAD.unpack(head)[:6]
    if magic not in _MAGIC or _checksum(head[:24], magic) != _HEAD.unpack(head)[6:]:
        return _UNREADABLE
    found, number, offset = 0, 0, _HEAD.size
    while len(frame := os.pread(log, _FRAME.size, offset)) == _FRAME.size:
        number, offset = number + 1, offset + _FRAME_BYTES + page_size
        _, commit, *own = _FRAME.unpack(frame)
        if own == salts and commit:
            found = number
    return found


def _checksum(data: bytes, magic: int) -> tuple[int, int]:
    words = struct.unpack(("<" if magic == _MAGIC[0] else ">") + f"{len(data) // 4}I", data)
    first = second = 0
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def is_whole(database: sqlite3.Connection, committed: int) -> bool:
    """Whether SQLite finds as many frames as `committed_frames` counted before it was opened.

    Must be called before anything is written. Raises sqlite3.Error.
    """
    if not committed:
        return True
    database.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # opens the log
    _, found, _ = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return bool(found >= committed)
