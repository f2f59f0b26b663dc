"""What filters compare, in memory: a column for each fact, indexed by a file's id.

    facts = library.load_photo_metadata()               # reads them where that hasn't been done yet
    facts.taken_between(begin, end)             # seconds of local time since 1970; end excluded
    facts.near(latitude, longitude, km)
    facts.camera(text), facts.lens(text)        # any part, case ignored
    facts.iso(op, n), facts.rating(op, n), facts.megapixels(op, n)      # op: < <= = >= >
    facts.format(kind)                          # a name of FORMATS
    facts.orientation(kind)                     # a name of ORIENTATIONS
    library.keywords.mask(library, text)        # see csearchd.library.metadata.keywords
    facts.when, facts.dated                     # to sort by, and whether `when` is a capture date

Each comparison gives one bool for each file's id, False where the fact isn't known. The lengths of
masks differ, since files are added meanwhile: `aligned` brings one to the length of another. No
lock is needed to compare; `put` and `remove` are called under the library's `memory`.

`when` is the capture date in the local time of the place, or else the file's modification time in
the local time of this machine, with `dated` False.
"""

from __future__ import annotations

import operator
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_BATCH = 8192  # rows
_UNRATED = -128
_EARTH_KM = 6371.0088  # mean radius
_QUARTER = 900  # seconds: offsets from UTC change at whole quarters of an hour

# What a user calls a format → Pillow's names, and RAW
FORMATS: dict[str, tuple[str, ...]] = {
    "jpeg": ("JPEG", "MPO"),
    "jpg": ("JPEG", "MPO"),
    "png": ("PNG",),
    "webp": ("WEBP",),
    "gif": ("GIF",),
    "tiff": ("TIFF",),
    "tif": ("TIFF",),
    "bmp": ("BMP", "DIB"),
    "jp2": ("JPEG2000",),
    "pnm": ("PPM",),
    "avif": ("AVIF",),
    "heic": ("HEIF",),
    "heif": ("HEIF",),
    "jxl": ("JXL",),
    "raw": ("RAW",),
}
ORIENTATIONS = {"portrait": 1, "landscape": 2, "square": 3}
COMPARISONS: dict[str, Callable[[Any, Any], Mask]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


class _Columns(NamedTuple):
    """Replaced as a whole when they grow, so that who reads them has one length."""

    when: NDArray[np.int64]  # 0: not known
    dated: Mask
    latitude: NDArray[np.float32]  # degrees; NaN: not known
    longitude: NDArray[np.float32]
    iso: NDArray[np.int32]  # 0: not known
    rating: NDArray[np.int8]
    camera: NDArray[np.int32]  # 0: not known
    lens: NDArray[np.int32]
    format: NDArray[np.int32]
    megapixels: NDArray[np.float32]  # 0: not known
    shape: NDArray[np.uint8]  # ORIENTATIONS; 0: not known
    fresh: Mask  # put or removed since the library was opened: newer than what is loaded


_UNKNOWN = (0, False, np.nan, np.nan, 0, _UNRATED, 0, 0, 0, 0, 0, False)
_TYPES = (
    np.int64, np.bool_, np.float32, np.float32, np.int32, np.int8,
    np.int32, np.int32, np.int32, np.float32, np.uint8, np.bool_,
)  # fmt: skip


class _Names:
    """Texts by number; 0 is none. To find a part of them they are kept in one case."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self._seen: dict[tuple[str | None, ...], int] = {}  # the same, by what gave the text

    def numbers(self, *columns: Iterable[str | None]) -> NDArray[np.int32]:
        """The numbers of the texts that columns give together."""
        seen = self._seen
        return np.array(
            [
                seen[parts] if parts in seen else self._number(parts)
                for parts in zip(*columns, strict=True)
            ],
            np.int32,
        )

    def _number(self, parts: tuple[str | None, ...]) -> int:
        text = " ".join(part for part in parts if part and isinstance(part, str)).casefold()
        number = self._seen[parts] = self._numbers.setdefault(text, len(self._numbers))
        return number

    def matching(self, wanted: Callable[[str], bool], column: NDArray[np.int32]) -> Mask:
        """Where `column` has the number of a text that is wanted."""
        texts = list(self._numbers)
        # A number that is newer than the list is not in it.
        table = np.array([*(bool(text) and wanted(text) for text in texts), False], np.bool_)
        mask: Mask = table[np.minimum(column, len(texts))]
        return mask

    def beginning(self, prefix: str, column: NDArray[np.int32]) -> list[str]:
        """Texts of `column` that have words that begin so, from there on; the most frequent first.

        "nikon d750" for "ni", "d750" for "d7".
        """
        start = prefix.casefold()
        texts = list(self._numbers)
        counts = np.bincount(column, minlength=len(texts))
        found: dict[str, None] = {}
        for number in np.argsort(-counts[: len(texts)], kind="stable"):
            if not counts[number] or not texts[number]:
                continue
            words = texts[number].split()
            ends = [" ".join(words[first:]) for first in range(len(words) if start else 1)]
            found.update((end, None) for end in ends if end.startswith(start))
        return list(found)


class PhotoMetadata:
    """The columns; see above."""

    def __init__(self) -> None:
        self.complete = False  # everything that the database has is here
        self._columns = _made(0)
        self._cameras = _Names()
        self._lenses = _Names()
        self._formats = _Names()

    @property
    def timestamp(self) -> NDArray[np.int64]:
        """By file id: seconds since 1970 in local time; 0 for a file that isn't known."""
        return self._columns.when

    @property
    def has_capture_time(self) -> Mask:
        """By file id: whether `when` is when the picture was taken, and no modification time."""
        return self._columns.dated

    @property
    def megapixel_column(self) -> NDArray[np.float32]:
        """By file id: megapixels; 0 where that isn't known."""
        return self._columns.megapixels

    def put(self, file: int, mtime_ns: int, found: Mapping[str, Any]) -> None:
        """`found` is the encoder's `identified` message (csearchd.encoder.messages)."""
        said = found.get("metadata", {})
        row = (
            file, mtime_ns // 1_000_000_000, _seconds(said.get("taken")),
            said.get("latitude"), said.get("longitude"), said.get("iso"), said.get("rating"),
            found.get("width"), found.get("height"),
            found.get("format"), said.get("make"), said.get("model"), said.get("lens"),
        )  # fmt: skip
        self._reserve(file)
        self._columns.fresh[file] = False
        self._fill([row])
        self._columns.fresh[file] = True

    def remove(self, files: Iterable[int]) -> None:
        chosen = list(files)
        if not chosen:
            return
        self._reserve(max(chosen))
        for column, value in _pairs(self._columns, _UNKNOWN):
            column[chosen] = value
        self._columns.fresh[chosen] = True

    def load(self, database: sqlite3.Connection, memory: AbstractContextManager[Any]) -> None:
        """Reads all that `database` has; `put` and `remove` may be called meanwhile."""
        rows = database.execute(
            "SELECT f.id, f.mtime_ns / 1000000000, CAST(strftime('%s', m.taken) AS INTEGER), "
            "m.latitude, m.longitude, m.iso, m.rating, c.width, c.height, c.format, m.make, "
            "m.model, m.lens FROM files f LEFT JOIN metadata m ON m.file = f.id "
            "LEFT JOIN contents c ON c.id = f.content"
        )
        while batch := rows.fetchmany(_BATCH):
            with memory:
                self._reserve(max(row[0] for row in batch))
                self._fill(batch)
        self.complete = True

    def _reserve(self, file: int) -> None:
        size = len(self._columns.when)
        if file >= size:
            larger = _made(max(file + 1024, size * 3 // 2))
            for new, old in _pairs(larger, self._columns):
                new[:size] = old
            self._columns = larger

    def _fill(self, rows: list[tuple[Any, ...]]) -> None:
        """`rows` as `load` selects them."""
        columns = self._columns
        values = list(zip(*rows, strict=True))
        files = np.array(values[0], np.int64)
        old = ~columns.fresh[files]
        files = files[old]
        numbers = [_numbers(column)[old] for column in values[1:9]]
        mtime, taken, latitude, longitude, iso, rating, width, height = numbers
        dated = ~np.isnan(taken)
        columns.when[files] = np.where(dated, taken, _local(mtime))
        columns.dated[files] = dated
        columns.latitude[files] = latitude
        columns.longitude[files] = longitude
        columns.iso[files] = np.nan_to_num(iso)
        columns.rating[files] = np.nan_to_num(rating, nan=_UNRATED)
        columns.megapixels[files] = np.nan_to_num(width * height / 1e6)
        columns.shape[files] = np.select(
            [width < height, width > height, width == height], list(ORIENTATIONS.values())
        )
        formats, makes, models, lenses = values[9:]
        columns.format[files] = self._formats.numbers(formats)[old]
        columns.camera[files] = self._cameras.numbers(makes, models)[old]
        columns.lens[files] = self._lenses.numbers(lenses)[old]

    def taken_between(self, begin: float | None, end: float | None) -> Mask:
        """From `begin` to before `end`, seconds since 1970 in local time; None: without limit.

        A file of unknown capture date counts by its modification time.
        """
        when = self._columns.when
        mask: Mask = when != 0
        if begin is not None:
            mask &= when >= begin
        if end is not None:
            mask &= when < end
        return mask

    def near(self, latitude: float, longitude: float, km: float) -> Mask:
        """Within `km` of a point, on a sphere."""
        columns = self._columns
        mask: Mask = np.abs(columns.latitude - np.float32(latitude)) <= np.degrees(km / _EARTH_KM)
        files = np.flatnonzero(mask)
        there = np.radians(columns.latitude[files].astype(np.float64))
        here = np.radians(latitude)
        across = np.radians(columns.longitude[files].astype(np.float64) - longitude)
        haversine = (
            np.sin((there - here) / 2) ** 2 + np.cos(there) * np.cos(here) * np.sin(across / 2) ** 2
        )
        mask[files] = 2 * _EARTH_KM * np.arcsin(np.sqrt(np.minimum(haversine, 1))) <= km
        return mask

    def has_location(self) -> Mask:
        """Where the place is known."""
        mask: Mask = ~np.isnan(self._columns.latitude)
        return mask

    def camera(self, text: str) -> Mask:
        """All words of `text` are somewhere in make and model; case is ignored."""
        return self._cameras.matching(_has_words(text), self._columns.camera)

    def lens(self, text: str) -> Mask:
        """All words of `text` are somewhere in the lens's name; case is ignored."""
        return self._lenses.matching(_has_words(text), self._columns.lens)

    def cameras(self, prefix: str) -> list[str]:
        """Makes and models, in lower case, that have words that begin so."""
        return self._cameras.beginning(prefix, self._columns.camera)

    def lenses(self, prefix: str) -> list[str]:
        """The same of lenses."""
        return self._lenses.beginning(prefix, self._columns.lens)

    def locations(self) -> NDArray[np.float32]:
        """Where pictures were taken: (latitude, longitude) in degrees, to a tenth, each once,
        from south to north."""
        columns = self._columns
        known = ~np.isnan(columns.latitude)
        north = np.round((columns.latitude[known] + 90) * 10).astype(np.int32)
        east = np.round((columns.longitude[known] + 180) * 10).astype(np.int32)
        there = np.zeros(1801 * 3601, np.bool_)
        there[north * 3601 + east] = True
        numbers = np.flatnonzero(there)
        places = np.stack([numbers // 3601 - 900, numbers % 3601 - 1800], 1).astype(np.float32)
        return places / np.float32(10)

    def distinct_values(self, name: str) -> list[int]:
        """Whole numbers that pictures have as `iso`, `rating` or `megapixels`, from below."""
        column = getattr(self._columns, name)
        known = column[(column != _UNRATED) if name == "rating" else (column > 0)]
        return [int(number) for number in np.unique(np.rint(known).astype(np.int32))]

    def capture_dates(self, unit: str, begin: str = "") -> list[str]:
        """The years, months or days ("Y", "M", "D") in which pictures were taken, the latest first;
        of those that are written like `begin` at the beginning."""
        when = self._columns.when
        days = when[when != 0].astype("datetime64[s]").astype(f"datetime64[{unit}]")
        found = days.astype(np.int64)
        if not len(found):
            return []
        first = int(found.min())
        numbers = np.flatnonzero(np.bincount(found - first))[::-1] + first
        written = numbers.astype(f"datetime64[{unit}]").astype(str).tolist()
        return [time for time in written if time.startswith(begin)]

    def iso(self, comparison: str, number: float) -> Mask:
        column = self._columns.iso
        mask: Mask = column > 0
        return mask & _compared(column, comparison, number)

    def rating(self, comparison: str, number: float) -> Mask:
        """−1 is rejected, 0 is unrated, 1 to 5 are stars. What says nothing never matches."""
        column = self._columns.rating
        mask: Mask = column != _UNRATED
        return mask & _compared(column, comparison, number)

    def megapixels(self, comparison: str, number: float) -> Mask:
        column = self._columns.megapixels
        mask: Mask = column > 0
        return mask & _compared(column, comparison, number)

    def format(self, kind: str) -> Mask:
        """Raises KeyError if `kind` is none of FORMATS."""
        wanted = {name.casefold() for name in FORMATS[kind]}
        return self._formats.matching(wanted.__contains__, self._columns.format)

    def orientation(self, kind: str) -> Mask:
        """As shown. Raises KeyError if `kind` is none of ORIENTATIONS."""
        mask: Mask = self._columns.shape == ORIENTATIONS[kind]
        return mask


def aligned(mask: Mask, size: int) -> Mask:
    """The mask at another length; what it doesn't reach is False."""
    if len(mask) >= size:
        return mask[:size]
    return np.append(mask, np.zeros(size - len(mask), np.bool_))


def _numbers(column: Iterable[Any]) -> NDArray[np.float64]:
    """NaN for what isn't known, or isn't a number: of a damaged row."""
    try:
        return np.array(column, np.float64)
    except (ValueError, TypeError):
        return np.array(
            [value if isinstance(value, int | float) else np.nan for value in column], np.float64
        )


def _made(size: int) -> _Columns:
    """Columns of `size` files of which nothing is known."""
    return _Columns(
        *(np.full(size, value, kind) for value, kind in zip(_UNKNOWN, _TYPES, strict=True))
    )


def _pairs(columns: _Columns, others: Iterable[Any]) -> Iterable[tuple[NDArray[Any], Any]]:
    return zip(columns, others, strict=True)


def _compared(column: NDArray[Any], comparison: str, number: float) -> Mask:
    mask: Mask = COMPARISONS[comparison](column, float(number))
    return mask


def _has_words(text: str) -> Callable[[str], bool]:
    words = text.casefold().split()
    return lambda other: all(word in other for word in words)


def _seconds(taken: str | None) -> float | None:
    """Seconds from 1970 to a local time, as if that were UTC."""
    if taken is None:
        return None
    return datetime.fromisoformat(taken).replace(tzinfo=UTC).timestamp()


def _local(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same moments in seconds of the local time of this machine."""
    quarters, places = np.unique(seconds // _QUARTER, return_inverse=True)
    offsets = []
    for quarter in quarters:
        try:
            offsets.append(time.localtime(quarter * _QUARTER).tm_gmtoff)
        except (OverflowError, OSError, ValueError):  # a time beyond the calendar
            offsets.append(0)
    return seconds + np.array(offsets, np.float64)[places]
