"""The code file: a model's vectors as 16-bit numbers, in files of the cache.

A row has a content's id, a scale and, for each dimension, a high byte, which the scan reads, and a
low byte, which only the best candidates need: v = scale × (256 × high + low) / 256. There is a file
for each column. Rows are written in place and read through shared mappings, so that they take no
private memory of the process.

The file `head` names the states of the database that the rows match, by their tokens
(library.cache_token). It also says whether all rows are safe on the disk and, if not, at which boot
they were written: rows that were not yet on the disk when the machine crashed aren't used.

Each row has a checksum (checksums.py), by which a start finds damage. It is written last: a row
that was written only partly is among the changes that the database has recorded.
"""

from __future__ import annotations

import errno
import fcntl
import json
import mmap
import os
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csearchd.library.cache_token import boot_id, write_all
from csearchd.library.vectors.checksums import Checksums
from csearchd.reasons import Reason, from_system
from csearchd.reasons import library as reasons
from csearchd.system import processors

_FORMAT = 2
_HEAD_BYTES = 512  # of `head`, which is written by one call
_GROWTH = 4096  # rows by which the file grows at least; else by an eighth
_MAPPED_SECONDS = {"low": 2.0, "high": 60.0}  # that pages stay mapped after a search
_MAX_COORDINATE = 127 * 256  # so that the high byte is between -127 and 127
_COLUMNS = ("content", "scale", "high", "low", "check")
_WRITE_ORDER = ("high", "low", "scale", "content", "check")
_BATCH = 2048  # rows whose checksums are verified at a time
_MAX_THREADS = 4  # that verify checksums: more don't read faster

Vectors = NDArray[np.float16] | NDArray[np.float32]


class CodeFile:
    """Numbered rows; a row with content 0 is free. One thread writes while others read.

    The columns are read-only views of the mappings: `content` int32, `scale` float32 and `check`
    uint64 of shape (rows,), `high` and `low` int8 of shape (rows, dimensions). `damage` says what
    was wrong when the files were opened, according to their sizes and `head`; None: nothing.
    """

    def __init__(self, directory: str | None, dimensions: int) -> None:
        """Opens the files in `directory`, or creates them; without a directory they are in memory.

        Raises OSError; BlockingIOError if another process has opened them.
        """
        self._directory = directory
        self._dimensions = dimensions
        self._bytes = {"content": 4, "scale": 4, "high": dimensions, "low": dimensions, "check": 8}
        self._files: dict[str, int] = {}
        self._read = 0.0  # when rows were last read, monotonic seconds
        self._timers: dict[str, threading.Timer] = {}
        self.head: dict[str, object] = {}
        try:
            for name in ("head", *_COLUMNS):
                self._files[name] = _open(directory, name)
                if name == "head":
                    fcntl.flock(self._files[name], fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.head = self._read_head()
            self._use_key(str(self.head.get("key") or secrets.token_hex(16)))
            self._map(min(self._size(name) // self._bytes[name] for name in _COLUMNS))
            self.damage = self._found_damage()
        except BaseException:
            self.close()
            raise

    def _size(self, name: str) -> int:
        return os.fstat(self._files[name]).st_size

    def _use_key(self, key: str) -> None:
        self._key = key
        self._checksums = Checksums(key, self._dimensions)

    def _found_damage(self) -> Reason | None:
        head = self.head
        if not head:
            fresh = not any(self._size(name) for name in self._files)
            return None if fresh else reasons.UNREADABLE_HEAD()
        if head.get("format") != _FORMAT or head.get("dimensions") != self._dimensions:
            return None  # written by another version
        if not self.tokens():
            return None  # a write was interrupted: `head` says that the rows aren't valid
        if wrong := self._wrong_size():
            return wrong
        if head.get("rows") != len(self.content):
            return reasons.WRONG_SIZES()
        if head.get("safe") is True and head.get("sum") != self._sum():
            return reasons.MIXED_TIMES()
        return None

    def _wrong_size(self) -> Reason | None:
        for name in _COLUMNS:
            if self._size(name) != len(self.content) * self._bytes[name]:
                return reasons.WRONG_SIZE(name=name)
        return None

    def _sum(self) -> int:
        """The sum of the checksums, which identifies the set of rows."""
        return int(self._column("check", 0, len(self.content)).view(np.uint64).sum())

    def _column(self, name: str, row: int, rows: int) -> NDArray[np.uint8]:
        """The bytes of some rows of a column. It reads the file, not the mapping, since a read
        error in a mapping would kill the process. Raises OSError."""
        size = self._bytes[name]
        data = os.pread(self._files[name], rows * size, row * size)
        if len(data) < rows * size:
            raise OSError(errno.EIO, "ends too early")
        return np.frombuffer(data, np.uint8)

    def damaged_rows(self) -> Reason | None:
        """Verifies all checksums. Returns what is damaged, or None. Takes half a second for a
        million rows."""
        if wrong_size := self._wrong_size():
            return wrong_size
        starts = range(0, len(self.content), _BATCH)
        threads = min(_MAX_THREADS, processors.count())
        try:
            with ThreadPoolExecutor(threads, "checksums") as pool:
                wrong = sum(pool.map(self._count_wrong, starts))
        except OSError as error:
            return from_system(error, advised=False)
        return reasons.WRONG_ROWS(count=wrong) if wrong else None

    def _count_wrong(self, row: int) -> int:
        rows = min(_BATCH, len(self.content) - row)
        contents = self._column("content", row, rows).view(np.int32)
        check = self._column("check", row, rows).view(np.uint64)
        if not contents.any():
            return int(np.count_nonzero(check))
        high, low = (
            self._column(name, row, rows).view(np.int8).reshape(rows, -1)
            for name in ("high", "low")
        )
        scale = self._column("scale", row, rows).view(np.float32)
        right = self._checksums.of(contents, scale, high, low)
        return int(np.count_nonzero(check != right))

    def restore_size(self) -> None:
        """Restores the sizes of files that were truncated or extended. Raises OSError."""
        for name in _COLUMNS:
            os.ftruncate(self._files[name], len(self.content) * self._bytes[name])

    def close(self) -> None:
        """Closes the files; the mappings remain for searches that still use them."""
        while self._timers:  # they would keep the mappings, and the files, after the searches
            self._timers.popitem()[1].cancel()
        while self._files:
            os.close(self._files.popitem()[1])

    def discard(self) -> None:
        """Closes and deletes the files."""
        for name in self._files if self._directory else ():
            with suppress(OSError):
                os.unlink(os.path.join(str(self._directory), name))
        self.close()

    def tokens(self) -> list[object]:
        """The tokens of the states of the database to which the rows belong; none if they aren't
        valid."""
        head = self.head
        same = head.get("format") == _FORMAT and head.get("dimensions") == self._dimensions
        safe = head.get("safe") is True or head.get("boot") == boot_id()
        tokens = head.get("tokens")
        return tokens if same and safe and isinstance(tokens, list) else []

    def clear(self) -> None:
        """Removes all rows. Raises OSError."""
        self._use_key(secrets.token_hex(16))
        self._write_head([], safe=False)
        for name in _COLUMNS:
            os.ftruncate(self._files[name], 0)
        self._map(0)

    def mark(self, tokens: list[str], safe: bool = False) -> None:
        """Sets the tokens. If `safe`, flushes the rows to the disk first, and records that. Raises
        OSError."""
        if safe:
            for name in _COLUMNS:
                os.fdatasync(self._files[name])
        self._write_head(tokens, safe)

    def put_rows(self, row: int, contents: NDArray[np.int32], vectors: Vectors) -> None:
        """Writes successive rows, beginning with `row`; the content of each is written after its
        codes. `contents` has shape (n,), `vectors` (n, dimensions). Raises OSError."""
        self._begin_writing()
        if row + len(contents) > len(self.content):
            self._grow(row + len(contents))
        scale, high, low = encode(vectors)
        check = self._checksums.of(contents, scale, high, low)
        columns = zip(_WRITE_ORDER, (high, low, scale, contents, check), strict=True)
        for name, column in columns:
            data = np.ascontiguousarray(column).view(np.uint8).reshape(-1)
            write_all(self._files[name], data.data, row * self._bytes[name])

    def _begin_writing(self) -> None:
        """Records that rows may not be on the disk from now on."""
        if self.head.get("safe") is True:
            self._write_head(list(self.head["tokens"]), safe=False)  # type: ignore[call-overload]

    def free(self, row: int, count: int = 1) -> None:
        """Frees a row, or `count` rows from it on. Raises OSError."""
        self._begin_writing()
        for name in ("check", "content"):
            size = self._bytes[name]
            write_all(self._files[name], bytes(size * count), row * size)

    def clear_from(self, row: int) -> None:
        """Frees all rows from `row` on. Raises OSError."""
        self._begin_writing()
        for name in ("check", "content"):
            size = self._bytes[name]
            rest = (len(self.content) - row) * size
            write_all(self._files[name], bytes(rest), row * size)

    def copy(self, other: CodeFile) -> None:
        """Copies all rows of `other`. Raises OSError."""
        self._use_key(other._key)
        self._grow(len(other.content))
        for name in _COLUMNS:
            column: NDArray[Any] = getattr(other, name)
            write_all(self._files[name], np.ascontiguousarray(column).data, 0)

    def coordinates(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """The vectors of some rows, with a precision of 16 bits: float32 of shape (rows,
        dimensions).
        """
        numbers: NDArray[np.float32] = self.high[rows].astype(np.float32)
        numbers *= 256
        numbers += self.low[rows]
        numbers *= self.scale[rows, None] / 256
        self._unmap_later()
        return numbers

    def _unmap_later(self) -> None:
        """Removes the pages from the process's memory some time after the last search. They stay in
        the page cache. Doing so after each search would make searches a third slower."""
        self._read = time.monotonic()
        for name, seconds in _MAPPED_SECONDS.items():
            if name not in self._timers:
                self._arm(name, seconds)

    def _arm(self, name: str, seconds: float) -> None:
        timer = self._timers[name] = threading.Timer(seconds, self._unmap, (name,))
        timer.daemon = True
        timer.start()

    def _unmap(self, name: str) -> None:
        left = self._read + _MAPPED_SECONDS[name] - time.monotonic()
        if left > 0:
            self._arm(name, left)
            return
        self._timers.pop(name, None)
        if (mapping := self._mappings[name]) is not None:
            mapping.madvise(mmap.MADV_DONTNEED)

    def _grow(self, rows: int) -> None:
        before = len(self.content)
        capacity = max(rows, before + max(_GROWTH, before // 8))
        tokens: list[str] = list(self.head.get("tokens", []))  # type: ignore[call-overload]
        self._write_head([], safe=False)  # while sizes and `rows` differ, the rows aren't valid
        for name in _COLUMNS:  # so that a full disk is an error now, not when a row is written
            size = self._bytes[name]
            os.posix_fallocate(self._files[name], before * size, (capacity - before) * size)
        self._map(capacity)
        self._write_head(tokens, safe=False)

    def _map(self, rows: int) -> None:
        self._mappings = {
            name: _mapping(self._files[name], rows * self._bytes[name]) for name in _COLUMNS
        }
        views = {
            name: np.frombuffer(mapping or b"", np.uint8)
            for name, mapping in self._mappings.items()
        }
        shape = (rows, self._dimensions)
        self.high: NDArray[np.int8] = views["high"].view(np.int8).reshape(shape)
        self.low: NDArray[np.int8] = views["low"].view(np.int8).reshape(shape)
        self.scale: NDArray[np.float32] = views["scale"].view(np.float32)
        self.content: NDArray[np.int32] = views["content"].view(np.int32)
        self.check: NDArray[np.uint64] = views["check"].view(np.uint64)

    def _read_head(self) -> dict[str, object]:
        with suppress(ValueError, RecursionError):
            head = json.loads(os.pread(self._files["head"], _HEAD_BYTES, 0))
            if isinstance(head, dict):
                return head
        return {}

    def _write_head(self, tokens: list[str], safe: bool) -> None:
        self.head = {
            "format": _FORMAT,
            "dimensions": self._dimensions,
            "rows": len(self.content),
            "tokens": tokens,
            "boot": boot_id(),
            "safe": safe,
            "key": self._key,
            "sum": self._sum() if safe else None,
        }
        write_all(self._files["head"], json.dumps(self.head).encode().ljust(_HEAD_BYTES), 0)
        os.fdatasync(self._files["head"])


def encode(vectors: Vectors) -> tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.int8]]:
    """The codes of `vectors` (rows, dimensions): scale, float32 of shape (rows,), then high and low
    bytes, int8 of shape (rows, dimensions). The scale is that of the high byte."""
    numbers = vectors.astype(np.float32)
    largest = np.abs(numbers).max(axis=1)
    largest[largest == 0] = 1
    numbers *= (_MAX_COORDINATE / largest)[:, None]
    rounded = np.rint(numbers).astype(np.int16)
    high = (rounded + np.int16(128)) >> np.int16(8)
    low = rounded - (high << np.int16(8))
    scale: NDArray[np.float32] = np.divide(largest, 127, dtype=np.float32)
    return scale, np.asarray(high, np.int8), np.asarray(low, np.int8)


def _open(directory: str | None, name: str) -> int:
    if directory is None:
        return os.memfd_create(f"csearch-{name}")
    os.makedirs(directory, mode=0o700, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(os.path.join(directory, name), flags, 0o600)


def _mapping(descriptor: int, size: int) -> mmap.mmap | None:
    if size == 0:
        return None
    return mmap.mmap(descriptor, size, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED)
