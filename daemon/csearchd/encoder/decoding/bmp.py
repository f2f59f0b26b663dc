"""BMP of every kind: what Pillow refuses (bit fields, OS/2), or shows wrong (RLE4).

The headers and codings are those of Windows (BITMAPINFOHEADER to BITMAPV5HEADER) and OS/2 (version
1 and 2); OS/2's Huffman coding isn't decoded. A picture may break off.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from csearchd.encoder.errors import check_memory, check_pixels
from csearchd.encoder.messages import Limits
from csearchd.errors import MalformedError, PictureError
from csearchd.reasons import pictures as reasons

_FILE_HEADER = 14  # bytes, which a DIB lacks
_CORE = 12  # bytes of the header of OS/2 version 1
_NONE, _RLE8, _RLE4, _FIELDS, _ALPHA_FIELDS = 0, 1, 2, 3, 6
_RLE24 = 4  # in OS/2's header
_OS2_SIZES = {*range(16, 40, 4), 42, 44, 46, 48, 60, 64} - {40, 52, 56}
_DEPTHS = (1, 2, 4, 8, 16, 24, 32)
PIXEL_BYTES = 16  # of memory that decoding takes for a pixel
_NIBBLES = [bytes((byte >> 4, byte & 15)) for byte in range(256)]
_MASKS = {16: (0x7C00, 0x3E0, 0x1F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    top_down: bool
    bits: int
    coding: int
    masks: tuple[int, int, int, int]  # red, green, blue, alpha
    palette: NDArray[np.uint8]  # (colours, 3)
    pixels: int  # where they begin


def bmp_size(data: bytes, limits: Limits) -> tuple[int, int]:
    """Width and height of the picture in the file `data`. Raises as `read_bmp`."""
    header = _checked_header(data, limits)
    return header.width, header.height


def read_bmp(data: bytes, limits: Limits) -> tuple[Image.Image, bool]:
    """The picture in the file `data`, a BMP or a DIB, and whether the file lacks a part of it.

    Raises MalformedError where it isn't one that is decoded here, and PictureError where it costs
    too much or has no pixels.
    """
    header = _checked_header(data, limits)
    if len(data) <= header.pixels:
        raise PictureError(reasons.TRUNCATED(details=reasons.ENDS_EARLY()))
    if header.coding in (_NONE, _FIELDS, _ALPHA_FIELDS):
        rows, whole = _plain_rows(data, header)
    else:
        rows, whole = _run_lengths(data, header)
    if not header.top_down:
        rows = rows[::-1]
    image = Image.fromarray(np.ascontiguousarray(_colours(rows, header)))
    image.format = "BMP"
    return image, not whole


def _checked_header(data: bytes, limits: Limits) -> _Header:
    try:
        header = _header(data)
    except (struct.error, ValueError, IndexError) as error:
        raise MalformedError from error
    check_pixels(header.width, header.height, limits)
    check_memory(header.width * header.height * PIXEL_BYTES, limits)
    return header


def looks_like_bmp(data: bytes) -> bool:
    """Whether a file begins like a BMP, or like a DIB, which is one without its first header."""
    if data[:2] in (b"BM", b"BA"):
        return True
    if len(data) < _CORE:
        return False
    size = int.from_bytes(data[:4], "little")
    planes, bits = struct.unpack_from("<HH", data.ljust(16, b"\0"), 8 if size == _CORE else 12)
    return size in (_CORE, 40, 52, 56, 64, 108, 124) and planes == 1 and bits in _DEPTHS


def has_short_run_lengths(data: bytes) -> bool:
    """Whether a BMP is coded in run lengths of 4 bits, which Pillow shows wrong."""
    try:
        return _header(data).coding == _RLE4
    except (MalformedError, struct.error, ValueError, IndexError):
        return False


def _header(data: bytes) -> _Header:
    start = _FILE_HEADER if data[:2] in (b"BM", b"BA") else 0
    if data[:2] == b"BA":  # OS/2's array of bitmaps, of which the first counts
        start += _FILE_HEADER
    (size,) = struct.unpack_from("<I", data, start)
    offset = struct.unpack_from("<I", data, start - 4)[0] if start else 0
    if size == _CORE:
        width, height, planes, bits = struct.unpack_from("<4H", data, start + 4)
        coding, used = _NONE, 0
    elif 16 <= size <= 1024:
        fields = data[start + 4 : start + size].ljust(36, b"\0")
        found = struct.unpack_from("<iiHHIIiiI", fields)
        width, height, planes, bits, coding, used = (*found[:5], found[8])
    else:
        raise MalformedError
    top_down, height = height < 0, abs(height)
    if bits not in _DEPTHS or width <= 0 or planes > 1:
        raise MalformedError
    masks = _MASKS.get(bits, (0, 0, 0, 0))
    after = start + size
    if coding in (_FIELDS, _ALPHA_FIELDS) and bits > 8 and size not in _OS2_SIZES:
        count = 4 if size >= 56 or coding == _ALPHA_FIELDS else 3
        found = struct.unpack_from(f"<{count}I", data, start + 40)
        masks = (*found, 0, 0)[:4] if any(found[:3]) else masks
        after = max(after, start + 40 + 4 * count)
    elif coding == _FIELDS or (coding == _RLE24 and bits != 24):
        raise MalformedError  # Huffman coding; or JPEG
    elif coding not in (_NONE, _RLE8, _RLE4, _RLE24):
        raise MalformedError
    entry = 3 if size == _CORE else 4
    colours = 0
    if bits <= 8:
        colours = min(used or 1 << bits, 256)
        if offset > after:
            colours = min(colours, (offset - after) // entry)
    table = np.frombuffer(data[after : after + entry * colours].ljust(entry * colours, b"\0"), "u1")
    palette = np.zeros((256, 3), np.uint8)
    palette[:colours] = table.reshape(-1, entry)[:, 2::-1]
    begin = offset if start and offset > start else after + entry * (used if bits > 8 else colours)
    return _Header(width, height, top_down, bits, coding, masks, palette, begin)


def _plain_rows(data: bytes, header: _Header) -> tuple[NDArray[np.uint32], bool]:
    """Each pixel's number, uint32 (height, width), from the first row in the file on.

    And whether the file has all of them; 0 stands for the others.
    """
    stride = (header.width * header.bits + 31) // 32 * 4
    coded = data[header.pixels : header.pixels + stride * header.height]
    padding = stride - (header.width * header.bits + 7) // 8
    whole = len(coded) >= stride * header.height - padding  # programs leave out the last one
    padded = np.frombuffer(coded.ljust(stride * header.height, b"\0"), "u1")
    rows = padded.reshape(header.height, stride)
    if header.bits < 8:
        step = header.bits
        bits = np.unpackbits(rows, axis=1).reshape(header.height, -1, step)
        weights = 1 << np.arange(step - 1, -1, -1)
        numbers: NDArray[np.uint32] = (bits * weights).sum(axis=2, dtype=np.uint32)
        return numbers[:, : header.width], whole
    size = header.bits // 8
    pixels = rows[:, : header.width * size].reshape(header.height, header.width, size)
    return _joined(pixels), whole


def _joined(little_endian: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The numbers that the bytes of the last axis are."""
    numbers = np.zeros(little_endian.shape[:-1], np.uint32)
    for place in range(little_endian.shape[-1]):
        numbers |= little_endian[..., place].astype(np.uint32) << np.uint32(8 * place)
    return numbers


def _run_lengths(data: bytes, header: _Header) -> tuple[NDArray[np.uint32], bool]:
    """As `_plain_rows`. Pixels that are skipped have the number 0."""
    width, height = header.width, header.height
    size = 3 if header.coding == _RLE24 else 1
    half = header.coding == _RLE4
    canvas = bytearray(width * height * size)
    at, x, y = header.pixels, 0, 0
    while at + 1 < len(data) and y < height:
        count, kind = data[at], data[at + 1]
        if count:
            coded = data[at + 1 : at + 1 + size]
            if len(coded) < size:
                break
            run = _NIBBLES[kind] * ((count + 1) // 2) if half else coded * count
            at += 1 + size
        elif kind == 0:
            x, y, at = 0, y + 1, at + 2
            continue
        elif kind == 1:
            y = height
            break
        elif kind == 2:
            if at + 3 >= len(data):
                break
            x, y, at = x + data[at + 2], y + data[at + 3], at + 4
            continue
        else:
            count = kind
            taken = (count + 1) // 2 if half else count * size
            run = data[at + 2 : at + 2 + taken]
            if len(run) < taken:
                count = len(run) * (2 if half else 1) // size
            run = b"".join([_NIBBLES[byte] for byte in run]) if half else run
            at += 2 + taken + taken % 2
        if (shown := min(count, width - x)) > 0:
            start = (y * width + x) * size
            canvas[start : start + shown * size] = run[: shown * size]
        x += count
    pixels = np.frombuffer(canvas, np.uint8).reshape(height, width, size)
    return _joined(pixels), y >= height or (y == height - 1 and x >= width)


def _colours(rows: NDArray[np.uint32], header: _Header) -> NDArray[np.uint8]:
    """The pixels, uint8 (height, width, 3 or 4)."""
    if header.bits <= 8:
        return header.palette[rows]
    masks = (0xFF0000, 0xFF00, 0xFF, 0) if header.bits == 24 else header.masks
    colours = [_channel(rows, mask) for mask in masks[:3]]
    alpha = _channel(rows, masks[3])
    # Programs leave the alpha of opaque pictures 0.
    return np.stack([*colours, alpha] if alpha.any() else colours, axis=2)


def _channel(rows: NDArray[np.uint32], mask: int) -> NDArray[np.uint8]:
    """A channel of up to 32 bits as 8 bits."""
    if not mask:
        return np.zeros(rows.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    highest = mask >> shift
    values = ((rows & np.uint32(mask)) >> np.uint32(shift)).astype(np.float32)
    return (values * np.float32(255 / highest)).round().astype(np.uint8)
