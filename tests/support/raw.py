"""Camera raw."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image


def dng(preview: Image.Image, orientation: int = 1, taken: str = "") -> bytes:
    """A little-endian DNG: raw data of 128×96, and a JPEG preview in its first directory.

    `taken` is a date as in EXIF data.
    """
    stream = io.BytesIO()
    preview.save(stream, "JPEG", quality=95)
    jpeg = stream.getvalue()
    width, height = 128, 96
    bayer = np.full((height, width), 4000, np.uint16).tobytes()

    def directory(at: int, tags: list[tuple[int, int, list[int]]]) -> bytes:
        """At offset `at`; values of kinds 1 and 2 (bytes), 3, 4, 10 (numerator, denominator)."""
        formats = {1: "B", 2: "B", 3: "H", 4: "I", 10: "i"}
        extra_at = at + 2 + 12 * len(tags) + 4
        entries, extra = b"", b""
        for tag, kind, values in sorted(tags):
            value = struct.pack(f"<{len(values)}{formats[kind]}", *values)
            number = len(values) // (2 if kind == 10 else 1)
            if len(value) > 4:
                place = struct.pack("<I", extra_at + len(extra))
                extra += value + b"\0" * (len(value) % 2)
            else:
                place = value.ljust(4, b"\0")
            entries += struct.pack("<HHI", tag, kind, number) + place
        return struct.pack("<H", len(tags)) + entries + b"\0" * 4 + extra

    matrix = [x for i in range(9) for x in (int(i % 4 == 0), 1)]
    raw_at, jpeg_at = 1024, 2048
    bayer_at = jpeg_at + len(jpeg) + len(jpeg) % 2
    first = directory(
        8,
        [
            (254, 4, [1]), (256, 4, [preview.width]), (257, 4, [preview.height]),
            (258, 3, [8, 8, 8]), (259, 3, [7]), (262, 3, [6]), (271, 1, list(b"Make\0")),
            (272, 1, list(b"Model\0")), (273, 4, [jpeg_at]), (274, 3, [orientation]),
            (277, 3, [3]), (278, 4, [preview.height]), (279, 4, [len(jpeg)]),
            (330, 4, [raw_at]), (50706, 1, [1, 4, 0, 0]), (50708, 1, list(b"Model\0")),
            (50721, 10, matrix), (50728, 10, [1, 1, 1, 1, 1, 1]), (50778, 3, [21]),
            *([(36867, 2, list(taken.encode() + b"\0"))] if taken else []),
        ],
    )  # fmt: skip
    second = directory(
        raw_at,
        [
            (254, 4, [0]), (256, 4, [width]), (257, 4, [height]), (258, 3, [16]), (259, 3, [1]),
            (262, 3, [32803]), (273, 4, [bayer_at]), (277, 3, [1]), (278, 4, [height]),
            (279, 4, [len(bayer)]), (33421, 3, [2, 2]), (33422, 1, [0, 1, 1, 2]),
            (50714, 3, [0]), (50717, 3, [16383]),
        ],
    )  # fmt: skip
    head = struct.pack("<2sHI", b"II", 42, 8) + first
    return (
        (head.ljust(raw_at, b"\0") + second).ljust(jpeg_at, b"\0")
        + jpeg.ljust(bayer_at - jpeg_at, b"\0")
        + bayer
    )
