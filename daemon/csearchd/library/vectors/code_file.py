"""The code file: a model's vectors as 16-bit numbers in two planes of bytes, in the cache.

A row has a content's id, a scale, and for each dimension a high byte, which the scan reads, and a
low one, which only the best candidates need: v = scale × (256 × high + low). Rows are written in
place and searched through a mapping, so that they cost no memory of the process's own.

`head` tells which state of the database the rows were made from (library.derived). Rows that were
on their way to the disk when the machine stopped aren't trusted: it also tells whether rows were
written since it was last known to be safe, and at which boot.

Each row has a checksum (library.checksums), so that a start finds out what was damaged. It is
written last: a row whose writing was cut short is one that the database has noted as changed.
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
_HEAD_BYTES = 512  # written by one call
_GROWTH = 4096  # rows, at least; an eighth of what there is
_KEPT_SECONDS = {"low": 2.0, "high": 60.0}  # that pages stay mapped after a search
_LARGEST = 127 * 256  # of a coordinate: its high byte is between -127 and 127
_COLUMNS = ("content", "scale", "high", "low", "check")
_WRITTEN = ("high", "low", "scale", "content", "check")  # in this order
_AT_ONCE = 2048  # rows whose checksums are compared at a time
_THREADS = 4  # that compare them, at most: more don't read faster

Vectors = NDArray[np.float16] | NDArray[np.float32]


class CodeFile:
    """Rows by number; a content of 0 marks a free one. One thread writes at a time.

    `content`, `scale`, `high`, `low` and `check` are views of the mapping, of `len(content)` rows.
    `damage` says what is wrong with the files as they were found, as far as their sizes and `head`
    tell.
    """

    def __init__(self, directory: str | None, dimensions: int) -> None:
        """Opens what is at `directory`, or makes it; None is memory. Raises OSError.

        BlockingIOError, if another process has it.
        """
        self._directory = directory
        self._dimensions = dimensions
        self._bytes = {"content": 4, "scale": 4, "high": dimensions, "low": dimensions, "check": 8}
        self._files: dict[str, int] = {}
        self._read = 0.0  # when rows were read last
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
            return None  # another version's
        if not self.tokens():
            return None  # what was being written when the service ended: nobody will trust it
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
        """A number that tells which rows there are."""
        return int(self._column("check", 0, len(self.content)).view(np.uint64).sum())

    def _column(self, name: str, row: int, rows: int) -> NDArray[np.uint8]:
        """Bytes of some rows, read past the mapping: what the disk can't read is an error then, and
        doesn't end the process. Raises OSError."""
        size = self._bytes[name]
        data = os.pread(self._files[name], rows * size, row * size)
        if len(data) < rows * size:
            raise OSError(errno.EIO, "ends too early")
        return np.frombuffer(data, np.uint8)

    def damaged_rows(self) -> Reason | None:
        """What is wrong with the rows, by their checksums: half a second for a million."""
        if wrong_size := self._wrong_size():
            return wrong_size
        starts = range(0, len(self.content), _AT_ONCE)
        threads = min(_THREADS, processors.count())
        try:
            with ThreadPoolExecutor(threads, "checksums") as pool:
                wrong = sum(pool.map(self._count_wrong, starts))
        except OSError as error:
            return from_system(error)
        return reasons.WRONG_ROWS(count=wrong) if wrong else None

    def _count_wrong(self, row: int) -> int:
        rows = min(_AT_ONCE, len(self.content) - row)
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
        """Gives the files the size that is mapped, where they have been cut or grown. Raises
        OSError."""
        for name in _COLUMNS:
            os.ftruncate(self._files[name], len(self.content) * self._bytes[name])

    def close(self) -> None:
        """Lets go of the files; what is mapped stays so for those who still use it."""
        while self._files:
            os.close(self._files.popitem()[1])

    def discard(self) -> None:
        """Closes it for good: its files go too."""
        for name in self._files if self._directory else ():
            with suppress(OSError):
                os.unlink(os.path.join(str(self._directory), name))
        self.close()

    def tokens(self) -> list[object]:
        """The tokens under which the rows may be trusted."""
        head = self.head
        same = head.get("format") == _FORMAT and head.get("dimensions") == self._dimensions
        written = head.get("safe") is True or head.get("boot") == boot_id()
        tokens = head.get("tokens")
        return tokens if same and written and isinstance(tokens, list) else []

    def clear(self) -> None:
        """Empties it. Raises OSError."""
        self._use_key(secrets.token_hex(16))
        self._write_head([], safe=False)
        for name in _COLUMNS:
            os.ftruncate(self._files[name], 0)
        self._map(0)

    def mark(self, tokens: list[str], safe: bool = False) -> None:
        """Says under which tokens the rows may be trusted. `safe`: on the disk too, from now on.

        Raises OSError.
        """
        if safe:
            for name in _COLUMNS:
                os.fdatasync(self._files[name])
        self._write_head(tokens, safe)

    def put_rows(self, row: int, contents: NDArray[np.int32], vectors: Vectors) -> None:
        """Writes successive rows from `row` on; a row gets its content when it has its numbers.

        Raises OSError.
        """
        self._begin_writing()
        if row + len(contents) > len(self.content):
            self._grow(row + len(contents))
        scale, high, low = encode(vectors)
        check = self._checksums.of(contents, scale, high, low)
        columns = zip(_WRITTEN, (high, low, scale, contents, check), strict=True)
        for name, column in columns:
            data = np.ascontiguousarray(column).view(np.uint8).reshape(-1)
            write_all(self._files[name], data.data, row * self._bytes[name])

    def _begin_writing(self) -> None:
        """From now on the rows aren't safe on the disk."""
        if self.head.get("safe") is True:
            self._write_head(list(self.head["tokens"]), safe=False)  # type: ignore[call-overload]

    def free(self, row: int) -> None:
        """Raises OSError."""
        self._begin_writing()
        for name in ("check", "content"):
            write_all(self._files[name], bytes(self._bytes[name]), row * self._bytes[name])

    def clear_from(self, row: int) -> None:
        """Frees all rows from `row` on. Raises OSError."""
        self._begin_writing()
        for name in ("check", "content"):
            size = self._bytes[name]
            rest = (len(self.content) - row) * size
            write_all(self._files[name], bytes(rest), row * size)

    def copy(self, other: CodeFile) -> None:
        """Takes over another one's rows. Raises OSError."""
        self._use_key(other._key)
        self._grow(len(other.content))
        for name in _COLUMNS:
            column: NDArray[Any] = getattr(other, name)
            write_all(self._files[name], np.ascontiguousarray(column).data, 0)

    def coordinates(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """The vectors of some rows, of shape (rows, dimensions), exact to 16 bits."""
        numbers: NDArray[np.float32] = self.high[rows].astype(np.float32)
        numbers *= 256
        numbers += self.low[rows]
        numbers *= self.scale[rows, None] / 256
        self._forget_later()
        return numbers

    def _forget_later(self) -> None:
        """What was read stays cheap to read, but is no more counted as this process's memory once
        no search has come for a while. At once would make every search a third slower."""
        self._read = time.monotonic()
        for name, seconds in _KEPT_SECONDS.items():
            if name not in self._timers:
                self._arm(name, seconds)

    def _arm(self, name: str, seconds: float) -> None:
        timer = self._timers[name] = threading.Timer(seconds, self._forget, (name,))
        timer.daemon = True
        timer.start()

    def _forget(self, name: str) -> None:
        left = self._read + _KEPT_SECONDS[name] - time.monotonic()
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
        self._write_head([], safe=False)  # sizes and `rows` will differ
        for name in _COLUMNS:  # a full disk is noticed now, not when a row is written
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
    """Scale, high and low bytes of vectors of shape (rows, dimensions).

    The scale is that of the high byte alone.
    """
    numbers = vectors.astype(np.float32)
    largest = np.abs(numbers).max(axis=1)
    largest[largest == 0] = 1
    numbers *= (_LARGEST / largest)[:, None]
    whole = np.rint(numbers).astype(np.int16)
    high = (whole + np.int16(128)) >> np.int16(8)
    low = whole - (high << np.int16(8))
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
