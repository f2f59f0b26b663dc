"""BMPs of every kind, made from an array of pixels."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def header(size: int, shape: tuple[int, int], bits: int, coding: int, **more: int) -> bytes:
    """An information header of `size` bytes; `more`: used, negative height, masks r, g, b, a."""
    height, width = shape
    if size == 12:
        return struct.pack("<IHHHH", size, width, height, 1, bits)
    if more.get("top_down"):
        height = -height
    fields = struct.pack(
        "<IiiHHIIiiII", size, width, height, 1, bits, coding, 0, 2835, 2835, more.get("used", 0), 0
    )
    masks = struct.pack("<4I", *(more.get(channel, 0) for channel in "rgba"))
    if size >= 52 and size != 64:
        fields += masks
    return fields.ljust(size, b"\0")[:size]


def file(head: bytes, between: bytes, pixels: bytes, gap: int = 0) -> bytes:
    """A BMP; `between` are masks or a palette."""
    offset = 14 + len(head) + len(between) + gap
    return (
        struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset)
        + head + between + b"\xee" * gap + pixels
    )  # fmt: skip


def padded(rows: Iterator[bytes]) -> bytes:
    return b"".join(row + b"\0" * (-len(row) % 4) for row in rows)


def packed(indices: Pixels, bits: int) -> bytes:
    """Indices from the last row to the first, several in a byte."""
    unpacked = np.unpackbits(indices[::-1, :, None], axis=2)[:, :, 8 - bits :]
    return padded(row.tobytes() for row in np.packbits(unpacked.reshape(len(indices), -1), axis=1))


def palette(colours: Pixels, entry: int = 4) -> bytes:
    return b"".join(bytes(c[::-1]) + b"\0" * (entry - 3) for c in colours)


def fields(rgb: Pixels, masks: tuple[int, ...], size: int) -> tuple[bytes, Pixels]:
    """Pixels by the masks, and what they are as 8 bits again."""
    numbers = np.zeros(rgb.shape[:2], np.uint64)
    shown = np.zeros(rgb.shape, np.uint8)
    for channel, mask in enumerate(masks):
        if not mask:
            continue
        shift = (mask & -mask).bit_length() - 1
        most = mask >> shift
        values = (rgb[:, :, channel].astype(np.float64) * most / 255).round()
        numbers |= values.astype(np.uint64) << np.uint64(shift)
        shown[:, :, channel] = (values * 255 / most).round()
    kind = f"<u{size}"
    return padded(row.astype(kind).tobytes() for row in numbers[::-1]), shown


def run_lengths(indices: Pixels, half: bool) -> bytes:
    """RLE8 or RLE4, with runs, absolute stretches of odd lengths, and skips over zeros."""
    out = bytearray()
    for row in indices[::-1]:
        at = 0
        while at < len(row):
            run = 1
            while at + run < len(row) and run < 255 and row[at + run] == row[at]:
                run += 1
            if run > 2 and row[at] == 0 and at + run < len(row):
                out += bytes((0, 2, run, 0))
                at += run
            elif run > 2 or len(row) - at < 4:
                value = int(row[at])
                out += bytes((run, value * 17 if half else value))
                at += run
            else:
                length = min(len(row) - at, 7)
                stretch = row[at : at + length].tolist()
                out += bytes((0, length))
                if half:
                    stretch += [0] * (length % 2)
                    pairs = zip(stretch[::2], stretch[1::2], strict=True)
                    coded = bytes(a << 4 | b for a, b in pairs)
                else:
                    coded = bytes(stretch)
                out += coded + b"\0" * (len(coded) % 2)
                at += length
        out += b"\0\0"
    return bytes(out) + b"\0\1"


def run_lengths_of_colours(rgb: Pixels) -> bytes:
    """OS/2's RLE24: runs of a colour, and absolute stretches of odd and even lengths."""
    out = bytearray()
    for row in rgb[::-1, :, ::-1]:
        at = 0
        while at < len(row):
            run = 1
            while at + run < len(row) and run < 255 and (row[at + run] == row[at]).all():
                run += 1
            length = min(len(row) - at, 3 + at % 4)
            if run > 1 or length < 3:
                out += bytes((run, *row[at].tolist()))
                at += run
            else:
                coded = row[at : at + length].tobytes()
                out += bytes((0, length)) + coded + b"\0" * (len(coded) % 2)
                at += length
        out += b"\0\0"
    return bytes(out) + b"\0\1"


def variants(rgb: Pixels) -> dict[str, tuple[bytes, Pixels]]:
    """By name, a file and the pixels that it shows."""
    made: dict[str, tuple[bytes, Pixels]] = {}
    shape = rgb.shape[:2]
    grey = rgb.mean(axis=2).astype(np.uint8)
    rng = np.random.default_rng(7)
    for bits in (1, 2, 4, 8):
        colours = rng.integers(0, 256, (1 << bits, 3)).astype(np.uint8)
        indices = (grey >> (8 - bits)).astype(np.uint8)
        shown = colours[indices]
        for size in (12, 16, 40, 52, 56, 64, 108, 124):
            entry = 3 if size == 12 else 4
            head = header(size, shape, bits, 0)
            made[f"{bits} bits, header {size}"] = (
                file(head, palette(colours, entry), packed(indices, bits)), shown,
            )  # fmt: skip
        made[f"{bits} bits, with a gap"] = (
            file(header(40, shape, bits, 0), palette(colours), packed(indices, bits), 10), shown,
        )  # fmt: skip
        if bits in (4, 8):
            few = colours[: (1 << bits) - 5]
            some = np.minimum(indices, len(few) - 1)
            head = header(40, shape, bits, 0, used=len(few))
            made[f"{bits} bits, few colours"] = (
                file(head, palette(few), packed(some, bits)), few[some],
            )  # fmt: skip
            coded = run_lengths(indices, bits == 4)
            for size in (40, 64, 124):
                head = header(size, shape, bits, 2 if bits == 4 else 1)
                made[f"RLE{bits}, header {size}"] = (file(head, palette(colours), coded), shown)
    blue_first = padded(row.tobytes() for row in rgb[::-1, :, ::-1])
    for size in (12, 16, 40, 52, 56, 64, 108, 124):
        made[f"24 bits, header {size}"] = (file(header(size, shape, 24, 0), b"", blue_first), rgb)
    flat = rgb // 64 * 64  # has runs
    made["RLE24"] = (file(header(64, shape, 24, 4), b"", run_lengths_of_colours(flat)), flat)
    top_down = padded(row.tobytes() for row in rgb[:, :, ::-1])
    made["top down"] = (file(header(40, shape, 24, 0, top_down=1), b"", top_down), rgb)
    layouts = {
        "555": ((0x7C00, 0x3E0, 0x1F), 2), "565": ((0xF800, 0x7E0, 0x1F), 2),
        "bgr 565": ((0x1F, 0x7E0, 0xF800), 2), "444": ((0xF00, 0xF0, 0xF), 2),
        "332": ((0xE0, 0x1C, 0x3), 2), "888": ((0xFF0000, 0xFF00, 0xFF), 4),
        "bgr 888": ((0xFF, 0xFF00, 0xFF0000), 4), "shifted": ((0xFF000000, 0xFF0000, 0xFF00), 4),
        "10 bits": ((0x3FF00000, 0xFFC00, 0x3FF), 4),
        "11-11-10": ((0xFFE00000, 0x1FFC00, 0x3FF), 4),
        "no blue": ((0xF800, 0x7E0, 0), 2),
    }  # fmt: skip
    for name, (masks, size) in layouts.items():
        coded, shown = fields(rgb, masks, size)
        more = dict(zip("rgb", masks, strict=True))
        made[f"fields {name}"] = (
            file(header(40, shape, 8 * size, 3), struct.pack("<3I", *masks), coded), shown,
        )  # fmt: skip
        for head in (52, 56, 108, 124):
            made[f"fields {name}, header {head}"] = (
                file(header(head, shape, 8 * size, 3, **more), b"", coded), shown,
            )  # fmt: skip
    for name in ("24 bits, header 40", "8 bits, header 40", "fields 565", "4 bits, header 12"):
        data, shown = made[name]
        made[f"DIB, {name}"] = (data[14:], shown)
    return made
