"""TIFFs that Pillow refuses, or shows wrong.

BigTIFF in the big-endian order is written anew as a TIFF that Pillow opens. Strips and tiles coded
as WebP or JPEG XL are pictures of their own. Of all other codings, libtiff decompresses the bytes:
the file is made one of 8-bit grey with as many columns as a row has bytes, and the samples are made
of these here, of 1 to 64 bits, signed, unsigned or floating point.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from csearchd.encoder.decoding.variant import Variant
from csearchd.encoder.errors import check_memory, check_pixels
from csearchd.encoder.messages import Limits
from csearchd.errors import MalformedError
from csearchd.formats import tiff
from csearchd.formats.tiff import Entry

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_COUNTS, _PLANAR = 273, 277, 278, 279, 284
_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = 317, 322, 323, 324, 325
_FORMAT, _EXIF, _GPS = 339, 34665, 34853
_OF_SAMPLES = (280, 281, 320, 338, 340, 341)  # least and most, colours, meaning of more
_WEBP, _JPEG_XL = (50001,), (50002, 52546)
_SIGNED, _FLOAT = 2, 3
_WHITE_IS_ZERO = 0
_KINDS = {1: "B", 3: "H", 4: "I", 16: "Q", 13: "I", 18: "Q"}
_BYTES = 24  # of memory for a pixel
_GEOMETRY = (_STRIP_OFFSETS, _STRIP_COUNTS, _TILE_OFFSETS, _TILE_COUNTS)


class _Layout(NamedTuple):
    """Of a picture's samples."""

    width: int
    height: int
    bits: int
    samples: int
    kind: int  # of SampleFormat
    photometric: int
    planar: bool
    predictor: int
    block: tuple[int, int]  # width and height of a strip or tile
    compression: int


def open_tiff(data: bytes, limits: Limits) -> Image.Image:
    """The first picture in the TIFF `data`, with its EXIF data; not yet decoded.

    Raises MalformedError where it isn't one that is decoded here, PictureError where it costs too
    much, and whatever Pillow raises.
    """
    order, entries = tiff.directory(data)
    layout = _layout(order, entries)
    check_pixels(layout.width, layout.height, limits)
    memory = layout.width * layout.height * _BYTES
    check_memory(memory, limits)
    decode: Callable[[bytes, str, dict[int, Entry], _Layout], tuple[Image.Image, bool]]
    if layout.compression in (*_WEBP, *_JPEG_XL):
        decode = _of_pictures
    elif _is_unusual(layout):
        decode = _of_samples
    elif data[:4] == b"MM\0+":
        return _opened(_rewritten(data, order, entries, {}))
    else:
        raise MalformedError
    size = layout.width, layout.height
    image = Variant("TIFF", size, memory, lambda: decode(data, order, entries, layout))
    plain = _as_bytes(layout) | {_COMPRESSION: 1}
    described = _opened(_rewritten(data, order, entries, plain))
    image.info["exif"] = described.getexif().tobytes()
    if profile := described.info.get("icc_profile"):
        image.info["icc_profile"] = profile
    return image


def is_shown_wrong(data: bytes) -> bool:
    """Whether Pillow opens a TIFF of these numbers, but takes them for others.

    It takes signed numbers for unsigned ones and the reverse, doesn't invert more than 8 bits, and
    mixes up the bytes of floating-point numbers.
    """
    try:
        order, entries = tiff.directory(data)
        layout = _layout(order, entries)
        return _is_unusual(layout) and (
            (layout.kind == _SIGNED and layout.bits <= 16)
            or (layout.kind == 1 and layout.bits not in (1, 2, 4, 8, 16))
            or (layout.photometric == _WHITE_IS_ZERO and layout.bits > 8)
            or (layout.kind == _FLOAT and (order == ">" or layout.predictor == 3))
        )
    except (MalformedError, KeyError, IndexError):
        return False


def _layout(order: str, entries: dict[int, Entry]) -> _Layout:
    def value(tag: int, default: int) -> int:
        return _numbers(order, entries[tag])[0] if tag in entries else default

    try:
        width, height = value(_WIDTH, 0), value(_HEIGHT, 0)
        bits = set(_numbers(order, entries[_BITS])) if _BITS in entries else {1}
        kinds = set(_numbers(order, entries[_FORMAT])) if _FORMAT in entries else {1}
        if len(bits) != 1 or len(kinds) != 1 or not 1 <= value(_SAMPLES, 1) <= 16:
            raise MalformedError
        block = (width, min(value(_ROWS_PER_STRIP, height), height))
        if _TILE_WIDTH in entries:
            block = (value(_TILE_WIDTH, 0), value(_TILE_HEIGHT, 0))
        if min(block) < 1 or block[0] > 2 * width + 4096 or block[1] > 2 * height + 4096:
            raise MalformedError
        return _Layout(
            width, height, bits.pop(), value(_SAMPLES, 1), kinds.pop(), value(_PHOTOMETRIC, 1),
            value(_PLANAR, 1) == 2, value(_PREDICTOR, 1), block, value(_COMPRESSION, 1),
        )  # fmt: skip
    except (IndexError, struct.error) as error:
        raise MalformedError from error


def _is_unusual(layout: _Layout) -> bool:
    """Whether the samples are such that they are made here: grey or RGB."""
    usual = layout.bits in (8, 16, 32, 64)
    known = usual or (layout.kind == 1 and layout.bits in (2, 4, 10, 12, 14, 24))
    return known and layout.photometric in (0, 1, 2) and layout.compression not in (6, 7, 34712)


def _numbers(order: str, entry: Entry) -> tuple[int, ...]:
    if entry.kind not in _KINDS or entry.number > 1 << 20:
        raise MalformedError
    return struct.unpack(f"{order}{entry.number}{_KINDS[entry.kind]}", entry.value)


def _opened(data: bytes) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(data), formats=("TIFF",))


def _as_bytes(layout: _Layout) -> dict[int, int]:
    """The tags of 8-bit grey that has the same rows, in bytes."""
    samples = 1 if layout.planar else layout.samples
    block = -(-layout.block[0] * samples * layout.bits // 8)
    row = block * -(-layout.width // layout.block[0])  # of whole tiles
    changes = {
        _WIDTH: row, _BITS: 8, _PHOTOMETRIC: 1, _SAMPLES: 1, _PLANAR: 1, _PREDICTOR: 1, _FORMAT: 1,
    }  # fmt: skip
    return changes | ({_TILE_WIDTH: block} if layout.block[0] != layout.width else {})


def _rewritten(
    data: bytes, order: str, entries: dict[int, Entry], changes: dict[int, int]
) -> bytes:
    """The file as a TIFF with another first directory, in which the numbers of some tags differ."""
    if len(data) > (1 << 32) - (1 << 20):
        raise MalformedError
    # The numbers of a BigTIFF's directory for EXIF data are as wide as its own: they are left out.
    big = data[2:4] in (b"+\0", b"\0+")
    values: dict[int, tuple[int, int, bytes]] = {}
    for tag, entry in entries.items():
        if (changes and tag in _OF_SAMPLES) or (big and tag in (_EXIF, _GPS, 330)):
            continue
        kind, value = entry.kind, bytes(entry.value)
        if kind in (16, 18):
            kind = 4
            value = struct.pack(f"{order}{entry.number}I", *_numbers(order, entry))
        values[tag] = (kind, entry.number, value)
    for tag, number in changes.items():
        values[tag] = (4, 1, struct.pack(order + "I", number))
    start = len(data) + len(data) % 2
    place = start + 2 + 12 * len(values) + 4
    directory, outside = struct.pack(order + "H", len(values)), b""
    for tag, (kind, number, value) in sorted(values.items()):
        if len(value) > 4:
            field = struct.pack(order + "I", place + len(outside))
            outside += value + b"\0" * (len(value) % 2)
        else:
            field = value.ljust(4, b"\0")
        directory += struct.pack(order + "HHI", tag, kind, number) + field
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    return head + data[8:] + b"\0" * (len(data) % 2) + directory + b"\0" * 4 + outside


def _of_samples(
    data: bytes, order: str, entries: dict[int, Entry], layout: _Layout
) -> tuple[Image.Image, bool]:
    """The picture, and whether the file lacks a part of it."""
    planes = layout.samples if layout.planar else 1
    samples = 1 if layout.planar else layout.samples
    shape = (layout.height, layout.width, samples)
    shown = [_plane(data, order, entries, layout, number) for number in range(min(planes, 4))]
    stacked = np.concatenate([samples.reshape(shape) for samples, _ in shown], axis=2)
    incomplete = any(lacks for _, lacks in shown)
    channels = 3 if layout.photometric == 2 and stacked.shape[2] >= 3 else 1
    if layout.kind == _FLOAT and channels == 1 and layout.photometric != _WHITE_IS_ZERO:
        return Image.fromarray(stacked[:, :, 0].astype(np.float32)), incomplete  # as Pillow's
    values = _scaled(stacked[:, :, :channels], layout)
    if layout.photometric == _WHITE_IS_ZERO:
        values = 255 - values
    values = np.ascontiguousarray(values if channels == 3 else values[:, :, 0])
    return Image.fromarray(values), incomplete


def _plane(
    data: bytes, order: str, entries: dict[int, Entry], layout: _Layout, number: int
) -> tuple[NDArray[np.generic], bool]:
    """The samples of a plane, in rows, and whether the file lacks some, which are 0 then."""
    chosen = dict(entries)
    if layout.planar:
        for tag in _GEOMETRY:
            if tag in entries:
                numbers = _numbers(order, entries[tag])
                count = len(numbers) // layout.samples
                own = numbers[number * count : (number + 1) * count]
                packed = struct.pack(f"{order}{count}I", *own)
                chosen[tag] = Entry(4, count, memoryview(packed))
    grey = _opened(_rewritten(data, order, chosen, _as_bytes(layout)))
    incomplete = False
    try:
        grey.load()
    except OSError:
        grey.tile = []  # so that what it has decoded can be used
        grey.load()
        if grey.getbbox() is None:
            raise
        incomplete = True
    rows = np.asarray(grey)
    samples = 1 if layout.planar else layout.samples
    step = -(-layout.block[0] * samples * layout.bits // 8)  # bytes of a tile's row
    parts = [
        _unpacked(rows[:, left : left + step], order, layout, samples)
        for left in range(0, rows.shape[1], step)
    ]
    return np.concatenate(parts, axis=1)[:, : layout.width * samples], incomplete


def _unpacked(
    rows: NDArray[np.uint8], order: str, layout: _Layout, samples: int
) -> NDArray[np.generic]:
    """The samples in rows of bytes of one strip or tile, with the prediction undone."""
    size = layout.bits // 8
    if layout.bits % 8 or layout.bits == 24:
        bits = np.unpackbits(rows, axis=1)
        count = bits.shape[1] // layout.bits
        bits = bits[:, : count * layout.bits].reshape(len(rows), count, layout.bits)
        weights = 1 << np.arange(layout.bits - 1, -1, -1, dtype=np.uint32)
        numbers: NDArray[np.generic] = (bits * weights).sum(axis=2, dtype=np.uint32)
        return numbers
    count = rows.shape[1] // size
    rows = np.ascontiguousarray(rows[:, : count * size])
    letter = {1: "u", _SIGNED: "i", _FLOAT: "f"}.get(layout.kind, "u")
    if letter == "f" and layout.bits == 8:
        raise MalformedError
    if layout.predictor == 3:  # Adobe's technical note 3: bytes of one significance together
        summed = np.cumsum(rows.reshape(len(rows), -1, samples), axis=1, dtype=np.uint8)
        planes = summed.reshape(len(rows), size, count).transpose(0, 2, 1)
        return np.ascontiguousarray(planes).view(f">f{size}")[:, :, 0]
    values = rows.view(f"{order}{letter}{size}")
    if layout.predictor == 2:
        unsigned = rows.view(f"{order}u{size}").reshape(len(rows), -1, samples)
        values = np.cumsum(unsigned, axis=1, dtype=f"u{size}").reshape(len(rows), -1)
        values = values.view(f"{letter}{size}")
    return values


def _scaled(values: NDArray[np.generic], layout: _Layout) -> NDArray[np.uint8]:
    """Samples as 8 bits: the whole range of integers; of floating point 0 to 1, or to the most."""
    with np.errstate(over="ignore"):
        numbers = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    if layout.kind == _FLOAT:
        low, high = min(0.0, float(numbers.min())), max(1.0, float(numbers.max()))
    elif layout.kind == _SIGNED:
        low, high = -(2.0 ** (layout.bits - 1)), 2.0 ** (layout.bits - 1) - 1
        if float(numbers.min()) >= 0:  # of what has no negative numbers, black is 0
            low = 0.0
    else:
        low, high = 0.0, 2.0**layout.bits - 1
    return ((numbers - low) * (255 / (high - low))).round().clip(0, 255).astype(np.uint8)


def _of_pictures(
    data: bytes, order: str, entries: dict[int, Entry], layout: _Layout
) -> tuple[Image.Image, bool]:
    """Of strips or tiles that are pictures of their own."""
    if layout.planar:
        raise MalformedError
    whole: Image.Image | None = None
    for (left, top), coded in _blocks(data, order, entries, layout):
        part = Image.open(io.BytesIO(coded), formats=("WEBP", "JXL"))
        if part.width > layout.block[0] or part.height > layout.block[1]:
            raise MalformedError
        whole = whole or Image.new(part.mode, (layout.width, layout.height))
        whole.paste(part.convert(whole.mode), (left, top))
    if whole is None:
        raise MalformedError
    return whole, False


def _blocks(
    data: bytes, order: str, entries: dict[int, Entry], layout: _Layout
) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Where each strip or tile is in the picture, and its bytes."""
    tags = _GEOMETRY[2:] if _TILE_OFFSETS in entries else _GEOMETRY[:2]
    try:
        offsets, counts = (_numbers(order, entries[tag]) for tag in tags)
    except KeyError as error:
        raise MalformedError from error
    places = [
        (left, top)
        for top in range(0, layout.height, layout.block[1])
        for left in range(0, layout.width, layout.block[0])
    ]
    for place, start, size in zip(places, offsets, counts, strict=False):
        yield place, data[start : start + size]
