"""The code file: a model's vectors as 16-bit numbers in two planes of bytes, in the cache.

A row has a content's id, a scale, and for each dimension a high byte, which the scan reads, and a
low one, which only the best candidates need: v = scale × (256 × high + low). Rows are written in
place and searched through a mapping, so that they cost no memory of the process's own.

`head` tells which state of the database the rows were made from (library.derived). Rows that were
on their way to the disk when the machine stopped aren't trusted: it also tells whether rows were
written since it was last known to be safe, and at which boot.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csearchd.library.derived import boot_id, write_all

_FORMAT = 1
_HEAD_BYTES = 512  # written by one call
_GROWTH = 4096  # rows, at least; an eighth of what there is
_KEPT_SECONDS = {"low": 2.0, "high": 60.0}  # that pages stay mapped after a search
_LARGEST = 127 * 256  # of a coordinate: its high byte is between -127 and 127
_COLUMNS = ("content", "scale", "high", "low")

Vectors = NDArray[np.float16] | NDArray[np.float32]


class CodeFile:
    """Rows by number; a content of 0 marks a free one. One thread writes at a time.

    `content`, `scale`, `high` and `low` are views of the mapping, of `len(content)` rows.
    """

    def __init__(self, directory: str | None, dimensions: int) -> None:
        """Opens what is at `directory`, or makes it; None is memory. Raises OSError.

        BlockingIOError, if another process has it.
        """
        self._directory = directory
        self._dimensions = dimensions
        self._bytes = {"content": 4, "scale": 4, "high": dimensions, "low": dimensions}
        self._files: dict[str, int] = {}
        self._read = 0.0  # when rows were read last
        self._timers: dict[str, threading.Timer] = {}
        self.head: dict[str, object] = {}
        try:
            for name in ("head", *_COLUMNS):
                self._files[name] = _open(directory, name)
                if name == "head":
                    fcntl.flock(self._files[name], fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._map(min(self._rows_in(name) for name in _COLUMNS))
            self.head = self._read_head()
        except BaseException:
            self.close()
            raise

    def _rows_in(self, name: str) -> int:
        return os.fstat(self._files[name]).st_size // self._bytes[name]

    def close(self) -> None:
        """Lets go of the files; what is mapped stays so for those who still use it."""
        while self._files:
            os.close(self._files.popitem()[1])

    def discard(self) -> None:
        """Closes it for good: its files go too."""
        for name in self._files if self._directory else ():
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(str(self._directory), name))
        self.close()

    def tokens(self) -> list[object]:
        """The tokens under which the rows may be trusted."""
        head = self.head
        same = head.get("format") == _FORMAT and head.get("dimensions") == self._dimensions
        written = head.get("safe") is True or head.get("boot") == boot_id()
        whole = head.get("rows") == len(self.content)
        tokens = head.get("tokens")
        return tokens if same and written and whole and isinstance(tokens, list) else []

    def clear(self) -> None:
        """Empties it. Raises OSError."""
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
        """Writes successive rows from `row` on; a row gets its content last. Raises OSError."""
        if self.head.get("safe") is True:
            self._write_head(list(self.head["tokens"]), safe=False)  # type: ignore[call-overload]
        if row + len(contents) > len(self.content):
            self._grow(row + len(contents))
        scale, high, low = encode(vectors)
        for name, column in (("high", high), ("low", low), ("scale", scale), ("content", contents)):
            data = np.ascontiguousarray(column).view(np.uint8).reshape(-1)
            write_all(self._files[name], data.data, row * self._bytes[name])

    def free(self, row: int) -> None:
        """Raises OSError."""
        write_all(self._files["content"], bytes(4), row * 4)

    def copy(self, other: CodeFile) -> None:
        """Takes over another one's rows. Raises OSError."""
        self._grow(len(other.content))
        for name in _COLUMNS:
            column: NDArray[np.int32 | np.float32 | np.int8] = getattr(other, name)
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
        capacity = max(rows, len(self.content) + max(_GROWTH, len(self.content) // 8))
        for name in _COLUMNS:  # a full disk is noticed now, not when a row is written
            old = self._rows_in(name) * self._bytes[name]
            os.posix_fallocate(self._files[name], old, capacity * self._bytes[name] - old)
        self._map(capacity)
        self._write_head(list(self.head.get("tokens", [])), safe=False)  # type: ignore[call-overload]

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

    def _read_head(self) -> dict[str, object]:
        with contextlib.suppress(ValueError):
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
