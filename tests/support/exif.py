"""EXIF data made entry by entry, so that any of them can be damaged (EXIF 3.0, 4.6)."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PIL import Image

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8, 129: 1}
FIRST, EXIF, GPS = 0, 34665, 34853


@dataclass(frozen=True)
class Entry:
    """A tag of a directory (FIRST, EXIF or GPS), with its value as bytes.

    `count` and `offset` replace the right ones.
    """

    tag: int
    kind: int
    value: bytes = b""
    directory: int = FIRST
    count: int | None = None
    offset: int | None = None


def ascii(tag: int, text: str | bytes, directory: int = FIRST, kind: int = 2) -> Entry:
    """A text with its NUL."""
    value = text.encode() if isinstance(text, str) else text
    return Entry(tag, kind, value + b"\0", directory)


def short(tag: int, *numbers: int, directory: int = FIRST, order: str = "<") -> Entry:
    return Entry(tag, 3, struct.pack(f"{order}{len(numbers)}H", *numbers), directory)


def long(tag: int, *numbers: int, directory: int = FIRST, order: str = "<") -> Entry:
    return Entry(tag, 4, struct.pack(f"{order}{len(numbers)}I", *numbers), directory)


def rational(
    tag: int, *fractions: tuple[int, int], directory: int = FIRST, order: str = "<"
) -> Entry:
    parts = [number for fraction in fractions for number in fraction]
    return Entry(tag, 5, struct.pack(f"{order}{len(parts)}I", *parts), directory)


def exif(entries: Sequence[Entry], order: str = "<") -> bytes:
    """EXIF data, from the header of the TIFF on."""
    below = [which for which in (EXIF, GPS) if any(one.directory == which for one in entries)]
    pointed = {one.tag for one in entries if one.directory == FIRST}
    whole = [*entries, *(Entry(which, 4, b"\0" * 4) for which in below if which not in pointed)]
    tables = {
        which: sorted((one for one in whole if one.directory == which), key=lambda one: one.tag)
        for which in (FIRST, *below)
    }
    starts, at = {}, 8
    for which, table in tables.items():
        starts[which] = at
        at += 2 + 12 * len(table) + 4
    data = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    values = b""
    for which, table in tables.items():
        data += struct.pack(f"{order}H", len(table))
        for one in table:
            if one.tag in starts and which == FIRST:
                one = replace(one, value=struct.pack(f"{order}I", starts[one.tag]))
            size = SIZES.get(one.kind, 1)
            count = len(one.value) // size if one.count is None else one.count
            if one.offset is None and len(one.value) <= 4:
                place = one.value.ljust(4, b"\0")
            else:
                place = struct.pack(f"{order}I", at + len(values))
                values += one.value + b"\0" * (len(one.value) % 2)
                if one.offset is not None:
                    place = struct.pack(f"{order}I", one.offset)
            data += struct.pack(f"{order}HHI", one.tag, one.kind, count) + place
        data += b"\0" * 4
    return data + values


def jpeg(payload: bytes) -> bytes:
    """A small JPEG with EXIF data."""
    stream = io.BytesIO()
    Image.new("RGB", (32, 16), (9, 99, 199)).save(stream, "JPEG")
    segment = b"Exif\0\0" + payload
    head = b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big")
    data = stream.getvalue()
    return data[:2] + head + segment + data[2:]


def place(
    latitude: Sequence[tuple[int, int]],
    longitude: Sequence[tuple[int, int]],
    references: str = "NE",
    others: Mapping[int, bytes] | None = None,
) -> list[Entry]:
    """The tags of a place, with `others` of type BYTE."""
    return [
        ascii(1, references[0], GPS),
        rational(2, *latitude, directory=GPS),
        ascii(3, references[1], GPS),
        rational(4, *longitude, directory=GPS),
        *(Entry(tag, 1, value, GPS) for tag, value in (others or {}).items()),
    ]
