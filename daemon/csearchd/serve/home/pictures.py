"""Pictures to look at, and the places where most were taken, without reading all of the
database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import PlaceError
from csearchd.library.catalogue import INDEXED
from csearchd.library.library import Library
from csearchd.library.metadata import times
from csearchd.search.places.geocoder import Geocoder

_LATEST = 2000  # files that came last, of which some are shown
_TOGETHER_NS = 3600 * 10**9  # what comes within an hour came together
_CELL = 0.2  # degrees: about a city
_CELLS_AROUND = 4096  # more than there are in all degrees
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
    # Of the database: what is in memory of the metadata is there seconds after the start.
    with library.read() as database:
        rows = database.execute(
            "SELECT f.id FROM files f LEFT JOIN metadata m ON m.file = f.id "
            "WHERE f.id IN (SELECT value FROM json_each(?)) "
            f"ORDER BY f.ctime_ns / {_TOGETHER_NS} DESC, "
            f"coalesce({times.TAKEN}, {times.CHANGED}) DESC, f.id LIMIT ?",
            (json.dumps(files[-_LATEST:].tolist()), count),
        )
        return [file for (file,) in rows]


def on_this_day(
    library: Library, files: Files, today: date, years: int, count: int
) -> Iterator[tuple[int, list[int]]]:
    """Past years, the latest first, each with up to `count` pictures of this day of the year.
    Raises LibraryError."""
    metadata = library.load_photo_metadata()
    when, certain = metadata.timestamp, metadata.exact_days()
    files = files[files < len(when)]
    files = files[certain[files]]
    days = when[files].astype("datetime64[ms]").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    same = (months.astype(np.int64) % 12 == today.month - 1) & (
        (days - months).astype(np.int64) == today.day - 1
    )
    files, taken = files[same], days[same].astype("datetime64[Y]").astype(np.int64) + 1970
    for year in sorted(set(taken[taken < today.year].tolist()), reverse=True)[:years]:
        of_year = files[taken == year]
        of_year = of_year[np.argsort(when[of_year], kind="stable")]
        spread = np.linspace(0, len(of_year) - 1, min(count, len(of_year))).astype(np.int64)
        yield year, of_year[spread].tolist()


def frequent_places(library: Library, geocoder: Geocoder) -> list[str]:
    """Cities such as "Lisbon, Portugal", most pictures first. It may wait for the disk.

    Raises LibraryError.
    """
    _, points = library.load_photo_metadata().places()
    if not len(points):
        return []
    rows, columns = np.floor(points / _CELL).astype(np.int64).T
    cells = rows * _CELLS_AROUND + columns
    found, counts = np.unique(cells, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:_CELLS]
    centres = [tuple(points[cells == cell].mean(axis=0).tolist()) for cell in found[most]]
    try:
        names = geocoder.names(centres)
    except PlaceError:
        return []
    totals: dict[str, int] = {}
    for name, count in zip(names, counts[most].tolist(), strict=True):
        if name:
            totals[name] = totals.get(name, 0) + count
    return sorted(totals, key=lambda name: -totals[name])[:_PLACES]


def sample(files: Files, count: int) -> Sequence[int]:
    """Some of the files, spread evenly."""
    chosen: list[int] = files[:: max(1, len(files) // count)][:count].tolist()
    return chosen
