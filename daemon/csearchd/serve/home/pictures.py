"""Pictures to look at, and the places where most were taken, without reading all of the
database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import PlaceError
from csearchd.library.catalogue import INDEXED
from csearchd.library.library import Library
from csearchd.search.places.geocoder import Geocoder

_LATEST = 2000  # files that came last, of which some are shown
_TOGETHER_NS = 3600 * 10**9  # what comes within an hour came together
_CELL = 0.2  # degrees: about a city
_CELLS = 24  # of which several may be of one city
_PLACES = 6

Files = NDArray[np.int64]


def readable(library: Library) -> Files:
    """Ids of the files that can be found, ascending; one for each content."""
    with library.memory_lock:
        catalogue = library.catalogue
        files = np.flatnonzero(catalogue.state == INDEXED)
        contents = catalogue.content[files]
    # The last file of each content: np.unique gives the first.
    _, places = np.unique(contents[::-1], return_index=True)
    chosen: Files = np.sort(files[::-1][places]).astype(np.int64)
    return chosen


def latest(library: Library, files: Files, count: int) -> list[int]:
    """Of ascending ids those that came last: by when their files were put where they are, and by
    the time of the picture where that was within an hour. Raises LibraryError."""
    candidates = files[-_LATEST:].tolist()
    if not candidates:
        return []
    timestamp = library.load_photo_metadata().timestamp
    with library.read() as database:
        rows = database.execute(
            "SELECT id, ctime_ns FROM files WHERE id BETWEEN ? AND ?",
            (candidates[0], candidates[-1]),
        ).fetchall()
    came = dict(rows)
    known = [file for file in candidates if file in came and file < len(timestamp)]
    known.sort(key=lambda file: (came[file] // _TOGETHER_NS, timestamp[file]), reverse=True)
    return known[:count]


def on_this_day(
    library: Library, files: Files, today: date, years: int, count: int
) -> Iterator[tuple[int, list[int]]]:
    """Past years, the latest first, each with up to `count` pictures of this day of the year.
    Raises LibraryError."""
    metadata = library.load_photo_metadata()
    times, certain = metadata.timestamp, metadata.exact_days()
    files = files[files < len(times)]
    files = files[certain[files]]
    days = times[files].astype("datetime64[ms]").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    same = (months.astype(np.int64) % 12 == today.month - 1) & (
        (days - months).astype(np.int64) == today.day - 1
    )
    files, taken = files[same], days[same].astype("datetime64[Y]").astype(np.int64) + 1970
    for year in sorted(set(taken[taken < today.year].tolist()), reverse=True)[:years]:
        of_year = files[taken == year]
        of_year = of_year[np.argsort(times[of_year], kind="stable")]
        spread = np.linspace(0, len(of_year) - 1, min(count, len(of_year))).astype(np.int64)
        yield year, of_year[spread].tolist()


def frequent_places(library: Library, geocoder: Geocoder) -> list[str]:
    """Cities such as "Lisbon, Portugal", most pictures first. It may wait for the disk.

    Raises LibraryError.
    """
    _, points = library.load_photo_metadata().places()
    if not len(points):
        return []
    _, numbers, counts = np.unique(
        np.floor(points / _CELL).astype(np.int32), axis=0, return_inverse=True, return_counts=True
    )
    numbers = numbers.reshape(-1)  # of two dimensions in numpy 2.0
    chosen = np.argsort(-counts, kind="stable")[:_CELLS]
    centres = [tuple(points[numbers == cell].mean(axis=0).tolist()) for cell in chosen]
    try:
        names = geocoder.names(centres)
    except PlaceError:
        return []
    totals: dict[str, int] = {}
    for name, cell in zip(names, chosen.tolist(), strict=True):
        if name:
            totals[name] = totals.get(name, 0) + int(counts[cell])
    return sorted(totals, key=lambda name: -totals[name])[:_PLACES]


def sample(files: Files, count: int) -> Sequence[int]:
    """Some of the files, spread evenly."""
    chosen: list[int] = files[:: max(1, len(files) // count)][:count].tolist()
    return chosen
