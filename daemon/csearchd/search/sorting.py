"""Sorts results by date, name or size.

Doubtful dates come last, in either direction: what a camera invented is neither old nor new.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.library.metadata.times import UNKNOWN
from csearchd.search.request import Hit, SearchRequest

_NAMES_AT_ONCE = 500  # in one SQL statement
_DOUBTFUL = 1 << 60  # milliseconds, beyond all dates


def sort_hits(library: Library, hits: list[Hit], request: SearchRequest) -> list[Hit]:
    """Sorts hits, which come best first, as the request says. Raises LibraryError."""
    if request.sort == "name":
        hits = sorted(hits, key=lambda hit: _name(os.path.basename(hit.path), hit.path))
    elif request.sort == "score":  # what is found by name comes first otherwise
        hits = sorted(hits, key=lambda hit: -(hit.score or 0))
    if request.reverse:
        hits = hits[::-1]
    if request.sort in ("date", "size"):
        files = np.array([hit.file for hit in hits], np.int64)
        keys = _keys(library, files, request.sort, bool(request.reverse))
        hits = [hits[i] for i in np.argsort(keys, kind="stable")]
    return hits


def first(
    library: Library, files: NDArray[np.int64], request: SearchRequest, count: int
) -> list[int]:
    """The first `count` of some files, (n,) ids, in the order of the request.

    Raises LibraryError.
    """
    if request.sort == "name":
        named = sorted(_names(library, files), reverse=bool(request.reverse))
        return [file for _, file in named[:count]]
    keys = _keys(library, files, request.sort or "date", bool(request.reverse))
    if len(files) > count:
        # Includes all files with the same key as the last one; their ids decide between them.
        last = np.partition(keys, count - 1)[count - 1]
        near = keys <= last
        files, keys = files[near], keys[near]
    return [int(file) for file in files[np.argsort(keys, kind="stable")][:count]]


def _keys(library: Library, files: NDArray[np.int64], order: str, reverse: bool) -> NDArray[Any]:
    """Numbers by which to sort files, (n,) ids, from the least on."""
    metadata = library.load_photo_metadata()
    if order == "size":
        sizes = _of(files, metadata.megapixel_column, 0)
        return sizes if reverse else -sizes
    times = _of(files, metadata.timestamp, UNKNOWN)
    keys = times if reverse else -times
    keys = np.where(_of(files, metadata.doubtful(), True), keys + _DOUBTFUL, keys)
    return np.where(times == UNKNOWN, 2 * _DOUBTFUL, keys)


def _of(files: NDArray[np.int64], column: NDArray[Any], unknown: Any) -> NDArray[Any]:
    """The values of a column for some files, which may be newer than the column."""
    values = np.full(int(files.max(initial=0)) + 1, unknown, column.dtype)
    values[: len(column)] = column[: len(values)]
    found: NDArray[Any] = values[files]
    return found


def _names(library: Library, files: NDArray[np.int64]) -> list[tuple[tuple[str, bytes], int]]:
    wanted = np.zeros(int(files.max(initial=0)) + 1, np.bool_)
    wanted[files] = True
    with library.read() as database:
        if len(files) < _NAMES_AT_ONCE:
            marks = ",".join("?" * len(files))
            rows = database.execute(
                f"SELECT name, id FROM files WHERE id IN ({marks})", files.tolist()
            )
        else:
            rows = database.execute("SELECT name, id FROM files")
        return [
            (_name(name, name), file) for name, file in rows if file < len(wanted) and wanted[file]
        ]


def _name(name: bytes, tie: bytes) -> tuple[str, bytes]:
    return os.fsdecode(name).casefold(), tie
