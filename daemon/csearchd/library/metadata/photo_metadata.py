"""Photo metadata in memory, for filters: a column for each property, indexed by a file's id.

    metadata = library.load_photo_metadata()
    metadata.taken_between(begin, end)    # seconds of local time since 1970; `end` excluded
    metadata.near(latitude, longitude, km)
    metadata.camera(text), metadata.lens(text)
    metadata.iso(comparison, number)      # likewise rating and megapixels; a key of COMPARISONS
    metadata.format(name)                 # a key of FORMATS
    metadata.orientation(name)            # a key of ORIENTATIONS
    library.keywords.mask(text), library.people.mask(text)  # see csearchd.library.metadata.labels
    metadata.timestamp, metadata.has_capture_time, metadata.doubtful()

Each comparison returns a mask over file ids: an array of bool, False where the property is unknown.
Masks have different lengths, since files are added meanwhile; `aligned` changes the length of one.
Comparisons need no lock; `put` and `remove` are called holding the library's `memory_lock`.
"""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from copy import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.metadata import times
from csearchd.spelling import folded, unaccented
from csearchd.system.files import seconds_of

Mask = NDArray[np.bool_]

_BATCH = 8192  # rows
_UNRATED = -128
_WITH_TIME = 19  # characters of a date
_EARTH_KM = 6371.0088  # mean radius

# The user's names of formats, and those that are stored: Pillow's, and RAW
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
    "<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip


class _Columns(NamedTuple):
    """The columns, of equal length. All are replaced at once when they grow."""

    timestamp: NDArray[np.int64]  # milliseconds; times.UNKNOWN: unknown
    date_length: NDArray[np.uint8]  # characters of a date without a time; 0: with one
    has_capture_time: Mask
    may_be_invented: Mask
    latitude: NDArray[np.float32]  # degrees; NaN: unknown
    longitude: NDArray[np.float32]
    iso: NDArray[np.int32]  # 0: unknown
    rating: NDArray[np.int8]  # _UNRATED: unknown
    camera: NDArray[np.int32]  # 0: unknown
    lens: NDArray[np.int32]
    format: NDArray[np.int32]
    megapixels: NDArray[np.float32]  # 0: unknown
    shape: NDArray[np.uint8]  # ORIENTATIONS; 0: unknown
    is_newer: Mask  # put or removed since the start, so that `load` must not replace it


_UNKNOWN = (times.UNKNOWN, 0, False, False, np.nan, np.nan, 0, _UNRATED, 0, 0, 0, 0, 0, False)
_TYPES = (
    np.int64, np.uint8, np.bool_, np.bool_, np.float32, np.float32, np.int32, np.int8,
    np.int32, np.int32, np.int32, np.float32, np.uint8, np.bool_,
)  # fmt: skip


class _Names:
    """Numbers texts, in lower case, so that a column can hold the numbers; 0 is no text."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self._seen: dict[tuple[str | None, ...], int] = {}  # by the parts of the text

    def numbers(self, *columns: Iterable[str | None]) -> NDArray[np.int32]:
        """The numbers of texts whose parts are in `columns`, which have equal lengths."""
        seen = self._seen
        return np.array(
            [
                seen[parts] if parts in seen else self._number(parts)
                for parts in zip(*columns, strict=True)
            ],
            np.int32,
        )

    def _number(self, parts: tuple[str | None, ...]) -> int:
        text = folded(" ".join(part for part in parts if part and isinstance(part, str)))
        number = self._seen[parts] = self._numbers.setdefault(text, len(self._numbers))
        return number

    def matching(self, wanted: Callable[[str], bool], column: NDArray[np.int32]) -> Mask:
        """A mask: where `column` has the number of a text that `wanted` accepts."""
        texts = list(self._numbers)
        # The last entry is for numbers that are newer than the list.
        table = np.array([*(bool(text) and wanted(text) for text in texts), False], np.bool_)
        mask: Mask = table[np.minimum(column, len(texts))]
        return mask

    def beginning(self, prefix: str, column: NDArray[np.int32]) -> list[str]:
        """Texts in `column`, from the word that begins with `prefix` on; the most frequent first.

        For "ni" this gives "nikon d750", and for "d7" it gives "d750".
        """
        start = folded(prefix)
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
    """The columns of all files; see the module's docstring. Several threads may use it at once."""

    def __init__(self) -> None:
        self.complete = False  # `load` has read all of the database
        self._columns = _empty_columns(0)
        self._cameras = _Names()
        self._lenses = _Names()
        self._formats = _Names()

    def of(self, files: NDArray[np.int64]) -> PhotoMetadata:
        """The metadata of some files (ids), which have their places among these as ids."""
        some = copy(self)
        some._reserve(int(files.max(initial=-1)))  # some may be newer
        some._columns = _Columns._make(column[files] for column in some._columns)
        return some

    @property
    def timestamp(self) -> NDArray[np.int64]:
        """By file id, the capture time in the local time of the place, else the modification time
        in the local time of this machine, in milliseconds since 1970; times.UNKNOWN for an unknown
        file. Of a day, month or year, the beginning."""
        return self._columns.timestamp

    @property
    def has_capture_time(self) -> Mask:
        """A mask over file ids: whether `timestamp` is a capture time."""
        return self._columns.has_capture_time

    def exact_times(self, files: NDArray[np.int64]) -> tuple[NDArray[np.int64], Mask]:
        """When files (ids) were taken, as `timestamp`, and whether that is known to the second and
        beyond doubt; both (files,)."""
        columns = self._columns
        size = len(columns.timestamp)
        if not size:
            return np.full(len(files), times.UNKNOWN, np.int64), np.zeros(len(files), np.bool_)
        when = columns.timestamp.take(files, mode="clip")
        exact = columns.has_capture_time & (columns.date_length == 0)
        exact = exact.take(files, mode="clip") & ~columns.may_be_invented.take(files, mode="clip")
        return when, exact & ~times.are_implausible(when) & (files < size)

    def exact_days(self) -> Mask:
        """A mask over file ids: whether the day of the capture is known beyond doubt."""
        columns = self._columns
        mask: Mask = columns.has_capture_time & times.known_as(columns.date_length, "D")
        return mask & ~self.doubtful()

    def doubtful(self) -> Mask:
        """A mask over file ids: whether `timestamp` can hardly be when the picture was taken."""
        columns = self._columns
        mask: Mask = columns.may_be_invented | times.are_implausible(columns.timestamp)
        mask &= columns.timestamp != times.UNKNOWN
        return mask

    @property
    def megapixel_column(self) -> NDArray[np.float32]:
        """By file id, the megapixels; 0 if unknown."""
        return self._columns.megapixels

    def put(self, file: int, mtime_ns: int, found: Mapping[str, Any]) -> None:
        """Adds or replaces a file, holding `memory_lock`.

        `file` is its id, `found` the encoder's `identified` message (csearchd.encoder.messages).
        """
        said = found.get("metadata", {})
        taken = said.get("taken")
        row = (
            file, seconds_of(mtime_ns) * 1000, times.beginning(taken, said.get("taken_ms")),
            len(taken or ""), said.get("date_doubtful"),
            said.get("latitude"), said.get("longitude"), said.get("iso"), said.get("rating"),
            found.get("width"), found.get("height"),
            found.get("format"), said.get("make"), said.get("model"), said.get("lens"),
        )  # fmt: skip
        self._reserve(file)
        self._columns.is_newer[file] = False
        self._fill([row])
        self._columns.is_newer[file] = True

    def remove(self, files: Iterable[int]) -> None:
        """Removes files by their ids, holding `memory_lock`."""
        chosen = list(files)
        if not chosen:
            return
        self._reserve(max(chosen))
        for column, value in _pairs(self._columns, _UNKNOWN):
            column[chosen] = value
        self._columns.is_newer[chosen] = True

    def load(self, database: sqlite3.Connection, memory: AbstractContextManager[Any]) -> None:
        """Reads all files from `database`, but those for which a JPEG stands. Takes the lock
        `memory` for each batch, so that `put` and `remove` may be called meanwhile. Raises
        sqlite3.Error."""
        rows = database.execute(
            f"SELECT f.id, {times.CHANGED}, {times.TAKEN}, length(m.taken), m.date_doubtful, "
            "m.latitude, m.longitude, m.iso, m.rating, c.width, c.height, c.format, m.make, "
            "m.model, m.lens FROM files f LEFT JOIN metadata m ON m.file = f.id "
            "LEFT JOIN contents c ON c.id = f.content WHERE NOT f.paired"
        )
        while batch := rows.fetchmany(_BATCH):
            with memory:
                self._reserve(max(row[0] for row in batch))
                self._fill(batch)
        self.complete = True

    def _reserve(self, file: int) -> None:
        size = len(self._columns.timestamp)
        if file >= size:
            larger = _empty_columns(max(file + 1024, size * 3 // 2))
            for new, old in _pairs(larger, self._columns):
                new[:size] = old
            self._columns = larger

    def _fill(self, rows: list[tuple[Any, ...]]) -> None:
        """Adds rows with the columns that `load` selects."""
        columns = self._columns
        values = list(zip(*rows, strict=True))
        files = np.array(values[0], np.int64)
        chosen = ~columns.is_newer[files]
        files = files[chosen]
        numbers = [_numbers(column)[chosen] for column in values[1:11]]
        mtime, taken, length, doubtful, latitude, longitude, iso, rating, width, height = numbers
        dated = ~np.isnan(taken)
        columns.timestamp[files] = np.where(dated, taken, times.local(mtime))
        columns.date_length[files] = np.where(dated & (length < _WITH_TIME), length, 0)
        columns.has_capture_time[files] = dated
        # A file's time of 0 is what programs write that know none.
        columns.may_be_invented[files] = np.where(dated, np.nan_to_num(doubtful), mtime == 0)
        columns.latitude[files] = latitude
        columns.longitude[files] = longitude
        columns.iso[files] = np.nan_to_num(iso)
        columns.rating[files] = np.nan_to_num(rating, nan=_UNRATED)
        columns.megapixels[files] = np.nan_to_num(width * height / 1e6)
        columns.shape[files] = np.select(
            [width < height, width > height, width == height], list(ORIENTATIONS.values())
        )
        formats, makes, models, lenses = values[11:]
        columns.format[files] = self._formats.numbers(formats)[chosen]
        columns.camera[files] = self._cameras.numbers(makes, models)[chosen]
        columns.lens[files] = self._lenses.numbers(lenses)[chosen]

    def taken_between(self, begin: float | None, end: float | None) -> Mask:
        """A mask: files whose `timestamp` is at least `begin` and less than `end`, in seconds;
        None: no bound. All of a day, month or year must lie between them."""
        columns = self._columns
        mask: Mask = columns.timestamp != times.UNKNOWN
        if begin is not None:
            mask &= columns.timestamp >= begin * 1000
        if end is not None:
            mask &= columns.timestamp < end * 1000
            coarse = np.flatnonzero(mask & (columns.date_length > 0))
            ends = times.ends(columns.timestamp[coarse], columns.date_length[coarse])
            mask[coarse] = ends <= end * 1000
        return mask

    def near(self, latitude: float, longitude: float, km: float) -> Mask:
        """A mask: files within `km` kilometres of a point, given in degrees, on a sphere."""
        columns = self._columns
        mask: Mask = np.abs(columns.latitude - np.float32(latitude)) <= np.degrees(km / _EARTH_KM)
        files = np.flatnonzero(mask)
        latitudes = np.radians(columns.latitude[files].astype(np.float64))
        centre = np.radians(latitude)
        distances = np.radians(columns.longitude[files].astype(np.float64) - longitude)
        haversine = (
            np.sin((latitudes - centre) / 2) ** 2
            + np.cos(latitudes) * np.cos(centre) * np.sin(distances / 2) ** 2
        )
        mask[files] = 2 * _EARTH_KM * np.arcsin(np.sqrt(np.minimum(haversine, 1))) <= km
        return mask

    def places(self) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The files with a known location, by id, and their latitudes and longitudes in degrees,
        (files, 2)."""
        columns = self._columns
        files = np.flatnonzero(~np.isnan(columns.latitude))
        points = np.stack([columns.latitude[files], columns.longitude[files]], 1)
        return files, points.astype(np.float64)

    def has_location(self) -> Mask:
        """A mask: files with a known location."""
        mask: Mask = ~np.isnan(self._columns.latitude)
        return mask

    def camera(self, text: str) -> Mask:
        """A mask: files with all words of `text` in make and model, in any order, ignoring case."""
        return self._cameras.matching(_has_words(text), self._columns.camera)

    def lens(self, text: str) -> Mask:
        """A mask: files with all words of `text` in the lens's name, in any order, ignoring
        case."""
        return self._lenses.matching(_has_words(text), self._columns.lens)

    def cameras(self, prefix: str) -> list[str]:
        """Makes and models, in lower case, from a word that begins with `prefix` on; the most
        frequent first."""
        return self._cameras.beginning(prefix, self._columns.camera)

    def lenses(self, prefix: str) -> list[str]:
        """The same for names of lenses."""
        return self._lenses.beginning(prefix, self._columns.lens)

    def locations(self) -> NDArray[np.float32]:
        """The distinct locations of pictures in degrees, rounded to tenths, from south to north:
        float32 of shape (locations, 2), with latitude and longitude."""
        columns = self._columns
        known = ~np.isnan(columns.latitude)
        north = np.round((columns.latitude[known] + 90) * 10).astype(np.int32)
        east = np.round((columns.longitude[known] + 180) * 10).astype(np.int32)
        occupied = np.zeros(1801 * 3601, np.bool_)
        occupied[north * 3601 + east] = True
        numbers = np.flatnonzero(occupied)
        places = np.stack([numbers // 3601 - 900, numbers % 3601 - 1800], 1).astype(np.float32)
        return places / np.float32(10)

    def distinct_values(self, name: str) -> list[int]:
        """The distinct values, rounded and sorted, of `name`: "iso", "rating" or "megapixels"."""
        column = getattr(self._columns, name)
        known = column[(column != _UNRATED) if name == "rating" else (column > 0)]
        return [int(number) for number in np.unique(np.rint(known).astype(np.int32))]

    def capture_dates(self, unit: str, prefix: str = "") -> list[str]:
        """The distinct years, months or days (`unit` "Y", "M" or "D") of `timestamp` in ISO 8601,
        the latest first, of those that begin with `prefix`."""
        columns = self._columns
        known = (columns.timestamp != times.UNKNOWN) & times.known_as(columns.date_length, unit)
        dates = columns.timestamp[known].astype("datetime64[ms]").astype(f"datetime64[{unit}]")
        found = dates.astype(np.int64)
        if not len(found):
            return []
        first = int(found.min())
        numbers = np.flatnonzero(np.bincount(found - first))[::-1] + first
        written = numbers.astype(f"datetime64[{unit}]").astype(str).tolist()
        return [time for time in written if time.startswith(prefix)]

    def months(self) -> list[tuple[str, int]]:
        """The months of `timestamp`, the earliest first, and how many pictures are of each."""
        columns = self._columns
        known = (columns.timestamp != times.UNKNOWN) & times.known_as(columns.date_length, "M")
        dates = columns.timestamp[known & ~self.doubtful()].astype("datetime64[ms]")
        months, counts = np.unique(dates.astype("datetime64[M]"), return_counts=True)
        return list(zip(months.astype(str).tolist(), counts.tolist(), strict=True))

    def iso(self, comparison: str, number: float) -> Mask:
        """A mask: files whose ISO speed compares with `number`. Raises KeyError if `comparison` is
        not one of COMPARISONS."""
        column = self._columns.iso
        mask: Mask = column > 0
        return mask & _compared(column, comparison, number)

    def rating(self, comparison: str, number: float) -> Mask:
        """A mask, as `iso`: −1 is rejected, 0 is unrated, 1 to 5 are stars. Files without a rating
        never match."""
        column = self._columns.rating
        mask: Mask = column != _UNRATED
        return mask & _compared(column, comparison, number)

    def megapixels(self, comparison: str, number: float) -> Mask:
        """A mask, as `iso`, for millions of pixels."""
        column = self._columns.megapixels
        mask: Mask = column > 0
        return mask & _compared(column, comparison, number)

    def format(self, name: str) -> Mask:
        """A mask: files of that format. Raises KeyError if `name` is not one of FORMATS."""
        wanted = {folded(stored) for stored in FORMATS[name]}
        return self._formats.matching(wanted.__contains__, self._columns.format)

    def orientation(self, name: str) -> Mask:
        """A mask: files that are shown in that orientation. Raises KeyError if `name` is not one of
        ORIENTATIONS."""
        mask: Mask = self._columns.shape == ORIENTATIONS[name]
        return mask


def aligned(mask: Mask, size: int) -> Mask:
    """`mask` cut, or extended by False, to the length `size`."""
    if len(mask) >= size:
        return mask[:size]
    return np.append(mask, np.zeros(size - len(mask), np.bool_))


def _numbers(column: Iterable[Any]) -> NDArray[np.float64]:
    """A column as floats, with NaN for unknown values, and for damaged ones that are no numbers."""
    try:
        return np.array(column, np.float64)
    except (ValueError, TypeError):
        return np.array(
            [value if isinstance(value, int | float) else np.nan for value in column], np.float64
        )


def _empty_columns(size: int) -> _Columns:
    """Columns of `size` files without any metadata."""
    return _Columns(
        *(np.full(size, value, kind) for value, kind in zip(_UNKNOWN, _TYPES, strict=True))
    )


def _pairs(columns: _Columns, others: Iterable[Any]) -> Iterable[tuple[NDArray[Any], Any]]:
    return zip(columns, others, strict=True)


def _compared(column: NDArray[Any], comparison: str, number: float) -> Mask:
    mask: Mask = COMPARISONS[comparison](column, float(number))
    return mask


def _has_words(text: str) -> Callable[[str], bool]:
    words = unaccented(text).split()
    return lambda other: all(word in unaccented(other) for word in words)
