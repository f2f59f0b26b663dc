"""The token embedding as rows of a file: a text needs a few rows of a table that may have 256,000.

The service reads these rows with pread. Neither as weights of a session nor mapped would the table
stay out of its memory.

The file is little-endian: a header of 32 bytes (`_HEADER`), for int8 a scale for each column
(float32), then one record for each row: for int8 its scale (float32), the numbers, and the CRC-32
of what precedes it in the record. A number is the integer times both scales. The scales of the
columns take up the few columns that are far larger than the others in trained models, which would
leave the others too few steps.
"""

from __future__ import annotations

import os
import struct
import weakref
import zlib
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import ModelError
from csearchd.models.installed import remedy, unreadable
from csearchd.reasons import models as reasons

Kind = Literal["int8", "float16"]
Floats = NDArray[np.float32] | NDArray[np.float16]

_MAGIC = b"csTokEmb"
_HEADER = struct.Struct("<8s8sQII")  # magic, kind, rows, width, checksum of what follows the magic
_CRC = 4  # bytes
_CHUNK = 4096  # rows that are written at a time
_TINY = 1e-30  # a scale for zeros


def write_token_embedding(path: str, table: Floats, kind: Kind = "int8") -> None:
    """Writes `table` (tokens, width) to `path`.

    "int8" takes a byte for each number (256,000 × 768: 199 MB); its rows have a cosine of 0.9999 to
    normally distributed ones. "float16" takes two, and is as exact as published weights are.
    Raises OSError; ValueError if the table isn't finite.
    """
    rows, width = table.shape
    columns = _column_scales(table) if kind == "int8" else np.empty(0, np.float32)
    with open(path, "wb") as file:
        file.write(_header(kind, rows, width, columns))
        file.write(columns.astype("<f4").tobytes())
        for start in range(0, rows, _CHUNK):
            file.writelines(_records(table[start : start + _CHUNK], columns, kind))


class TokenEmbedding:
    """The rows of one file. Its descriptor stays open as long as the object exists; several threads
    may call it at once."""

    def __init__(self, path: str) -> None:
        """Opens the file at `path`. Raises ModelError if it can't be read, is damaged or cut."""
        self._path = path
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, descriptor)
            # A row's neighbours are other words: the kernel shouldn't read them ahead.
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
            size = os.fstat(descriptor).st_size
        except OSError as error:
            raise unreadable(path, error) from None
        self._descriptor = descriptor
        magic, kind, self.count, self.width, checksum = _HEADER.unpack(self._read(0, _HEADER.size))
        self._quantised = kind == _padded("int8")
        scales = self.width * 4 if self._quantised else 0
        self._start = _HEADER.size + scales
        self._record = self.width + 4 if self._quantised else 2 * self.width  # without checksum
        if magic != _MAGIC or size != self._start + self.count * (self._record + _CRC):
            raise self._damaged()
        columns = np.frombuffer(self._read(_HEADER.size, scales), "<f4")
        if checksum != _header_checksum(kind, self.count, self.width, columns):
            raise self._damaged()
        self._columns = columns

    def rows(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """The rows of `tokens`: float32 (len(tokens), width). Raises ModelError if one can't be
        read or is damaged, IndexError if there is no such token."""
        records = b"".join(self._row(token) for token in tokens)
        if not self._quantised:
            halves = np.frombuffer(records, "<f2").reshape(len(tokens), self.width)
            return halves.astype(np.float32)
        kind = np.dtype([("scale", "<f4"), ("numbers", "i1", (self.width,))])
        found = np.frombuffer(records, kind)
        rows: NDArray[np.float32] = found["numbers"] * (found["scale"][:, None] * self._columns)
        return rows

    def _row(self, token: int) -> bytes:
        """The record of one row, without its checksum, which is compared."""
        if not 0 <= token < self.count:
            raise IndexError(f"{self._path} has {self.count} rows, so none for token {token}")
        length = self._record + _CRC
        content = self._read(self._start + token * length, length)
        record = content[: self._record]
        if zlib.crc32(record) != int.from_bytes(content[self._record :], "little"):
            raise self._damaged()
        return record

    def _read(self, offset: int, length: int) -> bytes:
        try:
            content = os.pread(self._descriptor, length, offset)
        except OSError as error:
            raise unreadable(self._path, error) from None
        if len(content) != length:
            raise self._damaged()
        return content

    def _damaged(self) -> ModelError:
        what = remedy(os.path.dirname(self._path))
        return ModelError(reasons.DAMAGED(path=self._path, remedy=what))


def _column_scales(table: Floats) -> NDArray[np.float32]:
    """The root of the mean square of each column: float32 (width,). Raises ValueError."""
    squares = np.zeros(table.shape[1])
    for start in range(0, len(table), _CHUNK):
        squares += np.square(table[start : start + _CHUNK], dtype=np.float64).sum(axis=0)
    if not np.isfinite(squares).all():
        raise ValueError("the token embedding holds numbers that aren't finite")
    scales: NDArray[np.float32] = np.maximum(np.sqrt(squares / len(table)), _TINY).astype("f4")
    return scales


def _records(table: Floats, columns: NDArray[np.float32], kind: Kind) -> Iterator[bytes]:
    """The records of the rows `table`, each with its checksum."""
    if kind == "int8":
        scaled = table.astype(np.float32) / columns
        scales = np.maximum(np.abs(scaled).max(axis=1, keepdims=True), _TINY) / 127
        numbers = np.round(scaled / scales).astype(np.int8)
        parts = zip(scales.astype("<f4"), numbers, strict=True)
        records = (scale.tobytes() + row.tobytes() for scale, row in parts)
    else:
        records = (row.tobytes() for row in table.astype("<f2"))
    for record in records:
        yield record + zlib.crc32(record).to_bytes(_CRC, "little")


def _header(kind: Kind, rows: int, width: int, columns: NDArray[np.float32]) -> bytes:
    checksum = _header_checksum(_padded(kind), rows, width, columns)
    return _HEADER.pack(_MAGIC, _padded(kind), rows, width, checksum)


def _header_checksum(kind: bytes, rows: int, width: int, columns: NDArray[np.float32]) -> int:
    """CRC-32 of the header's fields and the scales of the columns."""
    content = _HEADER.pack(_MAGIC, kind, rows, width, 0) + columns.astype("<f4").tobytes()
    return zlib.crc32(content)


def _padded(kind: Kind) -> bytes:
    return kind.encode().ljust(8, b"\0")
