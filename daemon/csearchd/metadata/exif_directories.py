"""EXIF data of which parts are damaged (EXIF 3.0, 4.6): a field that can't be read costs itself.

Of the 200 files of tests/metadata/test_damaged_exif.py, with one damaged field each, all 200 keep
all other fields here, 184 in exiftool 12.57, 190 in ExifRead 3.5 and 120 in Pillow 13.0, which ends
a directory at the first value outside of the data. piexif 1.1 took minutes for one file.
"""

from __future__ import annotations

import itertools
import math
import struct
from typing import TypeAlias

from csearchd.errors import MalformedError
from csearchd.formats import tiff

Value: TypeAlias = "bytes | int | float | tuple[int, ...] | tuple[float, ...]"
"""Of texts and of what isn't numbers, the bytes; else a number, or several. A rational is a float:
0/0 is NaN, and other fractions of zero are infinite."""

EXIF, GPS = 34665, 34853  # tags that point to the directory of that name
_MAX_BYTES = 1 << 16  # of a value that are read
_MAX_NUMBERS = 16  # of a value
_MOST_FIELDS = 100  # of a directory that is searched for
_MARKS = {  # tags and types by which a directory is known: ExposureTime, FNumber, ExifVersion, ...
    EXIF: {(33434, 5), (33437, 5), (36864, 7), (36867, 2), (36868, 2), (40961, 3)},
    GPS: {(2, 5), (4, 5)},
}
_LOOKED_AT = 4  # fields that tell whether there is a directory
_MAX_POINTERS = 4  # places that are tried, of those that entries with one tag point to
_BYTES = {1, 2, 7, 129}  # types: BYTE, ASCII, UNDEFINED, UTF-8
_NUMBERS = {3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q",
            18: "Q"}  # fmt: skip
_RATIONALS = {5: "I", 10: "i"}


class Directory:
    """The fields of a directory by their tags; of several with one tag, the first that is whole."""

    def __init__(self, data: bytes = b"", fields: tiff.Fields | None = None) -> None:
        self._values: dict[int, Value] = {}
        self._data = data
        self._order = fields.order if fields else "<"
        self._places: dict[int, tuple[int, int, int]] = {}  # by tag: type, count, position
        for field in fields.entries if fields else ():
            size = _size(field.kind) * field.number
            at = field.inline if fields and size <= fields.room else field.offset
            if size and at + size <= len(data):
                self._places.setdefault(field.tag, (field.kind, field.number, at))

    def get(self, tag: int, default: Value | None = None) -> Value | None:
        """The value of a tag. Of very many numbers or bytes, the first."""
        if tag not in self._values:
            if tag not in self._places:
                return default
            self._values[tag] = self._value(*self._places[tag])
        return self._values[tag]

    def join(self, other: Directory) -> None:
        """Adds the fields of another directory of the same data, for tags that it doesn't have."""
        self._places = {**other._places, **self._places}

    def supply(self, tag: int, value: Value) -> None:
        """Adds a value for a tag that it doesn't have."""
        if self.get(tag) is None:
            self._values[tag] = value

    def _value(self, kind: int, number: int, at: int) -> Value:
        if kind in _BYTES:
            return self._data[at : at + min(number, _MAX_BYTES)]
        number = min(number, _MAX_NUMBERS)
        if kind in _RATIONALS:
            form = f"{self._order}{2 * number}{_RATIONALS[kind]}"
            parts = struct.unpack_from(form, self._data, at)
            values = tuple(map(_quotient, parts[::2], parts[1::2]))
        else:
            form = f"{self._order}{number}{_NUMBERS[kind]}"
            values = struct.unpack_from(form, self._data, at)
        return values if number > 1 else values[0]


class Exif:
    """EXIF data (EXIF 3.0, tables 4 to 11).

    `tags` are those of the picture, its camera and its exposure, `gps` those of its place; `order`
    is how numbers are written, for `struct`.
    """

    def __init__(self, data: bytes = b"") -> None:
        """`data` begin with the header of a TIFF. What can't be read is left out."""
        self.tags, self.gps = Directory(), Directory()
        self.order = "<"  # or ">"
        try:
            first = tiff.readable_fields(data)
        except MalformedError:
            return
        self.order = first.order
        self.tags = Directory(data, first)
        if exif := _pointed_to(data, first, EXIF):
            self.tags.join(Directory(data, exif))
        gps = _pointed_to(data, first, GPS) or (exif and _pointed_to(data, exif, GPS))
        if gps:
            self.gps = Directory(data, gps)

    def get(self, tag: int, default: Value | None = None) -> Value | None:
        """The value of one of `tags`."""
        return self.tags.get(tag, default)


def _pointed_to(data: bytes, fields: tiff.Fields, tag: int) -> tiff.Fields | None:
    """The directory that a tag points to, even if the pointer's type or count is damaged."""
    pointer = Directory(data, fields).get(tag)
    written = [field.offset for field in fields.entries if field.tag == tag]
    places = dict.fromkeys([pointer, *written] if isinstance(pointer, int) else written)
    for start in itertools.islice(places, _MAX_POINTERS):
        try:
            found = tiff.readable_fields(data, start, _LOOKED_AT)
        except MalformedError:
            continue
        valid = [bool(_size(field.kind)) for field in found.entries]
        if 2 * sum(valid) > len(valid):
            return tiff.readable_fields(data, start)
    return _searched(data, tag) if written else None


def _searched(data: bytes, tag: int) -> tiff.Fields | None:
    """The directory that the damaged pointer `tag` should point to, found by what is always in it.

    Only EXIF data in a segment of their own are searched, not whole files.
    """
    if len(data) > _MAX_BYTES:
        return None
    order = "<" if data[:1] == b"I" else ">"
    counts = struct.unpack(f"{order}{len(data) // 2}H", data[: len(data) & ~1])
    for place, count in enumerate(counts):
        if not 0 < count <= _MOST_FIELDS or 2 * place + 2 + 12 * count > len(data):
            continue
        begun = [field.tag for field in tiff.readable_fields(data, 2 * place, _LOOKED_AT).entries]
        if begun != sorted(set(begun)):
            continue
        found = tiff.readable_fields(data, 2 * place)
        tags = [field.tag for field in found.entries]
        if tags == sorted(set(tags)) and any(
            (field.tag, field.kind) in _MARKS[tag] for field in found.entries
        ):
            return found
    return None


def _size(kind: int) -> int:
    """The bytes of one value of a type; 0 if there is no such type."""
    if kind in _BYTES:
        return 1
    if kind in _RATIONALS:
        return 8
    return struct.calcsize(f"<{_NUMBERS[kind]}") if kind in _NUMBERS else 0


def _quotient(numerator: int, denominator: int) -> float:
    if denominator:
        return numerator / denominator
    return math.copysign(math.inf, numerator) if numerator else math.nan
