"""TIFFs of many kinds, made from an array of samples."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Samples = NDArray[Any]


class Kind(NamedTuple):
    """`format` is that of TIFF's SampleFormat: 1 unsigned, 2 signed, 3 floating point."""

    order: str = "<"
    big: bool = False
    bits: int = 8
    format: int = 1
    planar: bool = False
    tiled: bool = False
    deflated: bool = False
    predictor: int = 1

    def dtype(self) -> np.dtype[Any]:
        size = -(-self.bits // 8)
        return np.dtype(f"{self.order}{'.uif'[self.format]}{size if size != 3 else 4}")


def samples(pixels: Samples, kind: Kind) -> Samples:
    """Values of 0 to 1, of shape (height, width, channels), as numbers of a kind."""
    if kind.format == 3:
        return pixels.astype(kind.dtype())
    if kind.format == 2:
        top = 2 ** (kind.bits - 1)
        return (pixels * (2 * top - 1) - top).round().astype(kind.dtype())
    return (pixels * (2**kind.bits - 1)).round().astype(kind.dtype())


def tiff(pixels: Samples, kind: Kind, photometric: int) -> bytes:
    """A TIFF of values of 0 to 1, of shape (height, width, channels)."""
    numbers = samples(pixels, kind)
    planes = (
        [numbers[..., n : n + 1] for n in range(numbers.shape[2])] if kind.planar else [numbers]
    )
    side = 16 if kind.tiled else 0
    blocks = []
    for plane in planes:
        if side:
            height, width = plane.shape[:2]
            grown = np.pad(plane, ((0, -height % side), (0, -width % side), (0, 0)))
            for top in range(0, height, side):
                for left in range(0, width, side):
                    blocks.append(_coded(grown[top : top + side, left : left + side], kind))
        else:
            for top in range(0, len(plane), 10):
                blocks.append(_coded(plane[top : top + 10], kind))
    return assembled(
        blocks, pixels.shape, kind, photometric, 8 if kind.deflated else 1, side or 10,
    )  # fmt: skip


def assembled(
    blocks: list[bytes],
    shape: tuple[int, ...],
    kind: Kind,
    photometric: int,
    compression: int,
    side: int,
) -> bytes:
    """A TIFF of coded strips of `side` rows, or tiles of that side."""
    height, width, channels = shape
    order = kind.order
    head = 16 if kind.big else 8
    offsets, data = [], b""
    for block in blocks:
        offsets.append(head + len(data))
        data += block + b"\0" * (len(block) % 2)
    counts = [len(block) for block in blocks]
    wide = 16 if kind.big else 4
    tags = {
        256: (3, [width]), 257: (3, [height]), 258: (3, [kind.bits] * channels),
        259: (3, [compression]), 262: (3, [photometric]), 274: (3, [1]), 277: (3, [channels]),
        284: (3, [2 if kind.planar else 1]), 339: (3, [kind.format] * channels),
        271: (2, list(b"Maker\0")),
    }  # fmt: skip
    if kind.predictor != 1:
        tags[317] = (3, [kind.predictor])
    if kind.tiled:
        tags |= {322: (3, [side]), 323: (3, [side]), 324: (wide, offsets), 325: (wide, counts)}
    else:
        tags |= {273: (wide, offsets), 278: (3, [side]), 279: (wide, counts)}
    start = head + len(data)
    offset, number, entry = ("Q", "Q", 20) if kind.big else ("I", "H", 12)
    extra = (
        start + struct.calcsize(f"={number}") + entry * len(tags) + struct.calcsize(f"={offset}")
    )
    inline = struct.calcsize(f"={offset}")
    entries, outside = b"", b""
    for tag, (type_, values) in sorted(tags.items()):
        letter = {2: "B", 3: "H", 4: "I", 16: "Q"}[type_]
        value = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(value) > inline:
            place = struct.pack(order + offset, extra + len(outside))
            outside += value + b"\0" * (len(value) % 2)
        else:
            place = value.ljust(inline, b"\0")
        entries += struct.pack(f"{order}HH{offset}", tag, type_, len(values)) + place
    mark = b"II" if order == "<" else b"MM"
    if kind.big:
        header = mark + struct.pack(f"{order}HHHQ", 43, 8, 0, start)
    else:
        header = mark + struct.pack(f"{order}HI", 42, start)
    count = struct.pack(order + number, len(tags))
    return header + data + count + entries + b"\0" * inline + outside


def _coded(block: Samples, kind: Kind) -> bytes:
    height = len(block)
    if kind.predictor == 2:
        unsigned = block.view(f"{kind.order}u{block.itemsize}")
        block = np.diff(unsigned, axis=1, prepend=unsigned[:, :1] * 0).astype(unsigned.dtype)
    if kind.predictor == 3:
        channels = block.shape[2]
        rows = np.ascontiguousarray(block.reshape(height, -1).astype(f">f{block.itemsize}"))
        planes = rows.view(np.uint8).reshape(height, -1, block.itemsize).transpose(0, 2, 1)
        flat = planes.reshape(height, -1, channels)
        raw = np.diff(flat, axis=1, prepend=flat[:, :1] * 0).astype(np.uint8).tobytes()
    elif kind.bits % 8:
        flat = block.reshape(height, -1).astype(">u4")
        bits = np.unpackbits(flat.view(np.uint8).reshape(height, -1, 4), axis=2)[
            :, :, 32 - kind.bits :
        ]
        raw = np.packbits(bits.reshape(height, -1), axis=1).tobytes()
    else:
        raw = block.tobytes()
    return zlib.compress(raw) if kind.deflated else raw


def of_pictures(image: Image.Image, tiled: bool, format: str, compression: int) -> bytes:
    """A TIFF whose strips or tiles are pictures in another format."""
    side, blocks = 16, []
    for top in range(0, image.height, side):
        for left in range(0, image.width, side if tiled else image.width):
            right = left + side if tiled else image.width
            bottom = top + side if tiled else min(top + side, image.height)
            stream = io.BytesIO()
            image.crop((left, top, right, bottom)).save(stream, format, lossless=True)
            blocks.append(stream.getvalue())
    shape = (image.height, image.width, len(image.getbands()))
    return assembled(blocks, shape, Kind(tiled=tiled), 2, compression, side)
